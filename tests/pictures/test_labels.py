"""What the labels of pictures are, and which of them are one."""

import os
from pathlib import Path

import pytest

from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from helpers import save_class, tar_of

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize("form", ["folder", "table", "shard"])
def test_labels_that_print_alike_are_one(tmp_path: Path, form: str) -> None:
    labels = [
        COMPOSED,
        DECOMPOSED,
        f" {COMPOSED} ",
        f"{COMPOSED}\u200b",
        f"\u202a{COMPOSED}\u200e",
        f"{COMPOSED}\u00a0",
        "Tea",
    ]
    (tmp_path / "p").mkdir()
    if form == "folder":
        for label in labels:
            save_class(tmp_path / "p" / label, "disc", 1)
        path = tmp_path / "p"
    elif form == "table":
        path = tmp_path / "table.csv"
        path.write_text("path,label\n" + "".join(f"{k}.png,{x}\n" for k, x in enumerate(labels)))
        save_class(tmp_path, "disc", 1)
        (tmp_path / "000.png").rename(tmp_path / "0.png")
    else:
        members = [(f"{label}/{k}.png", b"x") for k, label in enumerate(labels)]
        path = tar_of(tmp_path / "s.tar", members)
    catalog = read_catalog(path)
    assert catalog.counts() == {"Tea": 1, COMPOSED: 6}
    assert any("print alike" in remark for remark in catalog.remarks)


def test_labels_that_differ_in_case_only_are_remarked_on(tmp_path: Path) -> None:
    for label in ("cat", "Cat", "dog"):
        save_class(tmp_path / label, "disc", 1)
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("Cat", "cat", "dog")
    assert catalog.remarks == ("the labels 'Cat' and 'cat' differ in case only",)


def test_labels_that_read_like_several_are_remarked_on(tmp_path: Path) -> None:
    for label in ("cat", "dog", "cat|dog", "hot dog"):
        save_class(tmp_path / label, "disc", 1)
    assert read_catalog(tmp_path).remarks == (
        "the label 'cat|dog' reads like several, and a picture has one here",
    )


def test_labels_that_are_not_utf8_are_read_as_windows_writes_them(tmp_path: Path) -> None:
    save_class(tmp_path / "p" / os.fsdecode(b"caf\xe9"), "disc", 2)
    save_class(tmp_path / "p" / "tea", "disc", 2)
    catalog = read_catalog(tmp_path / "p")
    assert catalog.classes == (COMPOSED, "tea")
    assert "Windows-1252" in catalog.remarks[0]
    save_class(tmp_path / "é", "disc", 1)
    table = tmp_path / "table.csv"
    table.write_bytes("path;label\né\\000.png;café\n é/000.png;tea\n".encode("cp1252"))
    catalog = read_catalog(table)
    assert catalog.labels == (COMPOSED, "tea")
    assert [decode(source.read()).shape for source in catalog.sources] == [(40, 48, 3)] * 2
