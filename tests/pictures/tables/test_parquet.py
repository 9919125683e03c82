"""Parquet as Hugging Face's `datasets` writes it: names of classes, structs, several columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from convlens.errors import ConvlensError
from convlens.pictures import source
from convlens.pictures.catalog import Catalog
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from helpers import package, save_class


def written(path: Path, features: dict[str, Any], nested: bool = True, **columns: Any) -> Catalog:
    """Four pictures and columns beside them, with the metadata of `datasets`."""
    pa, parquet = package("pyarrow"), package("pyarrow.parquet")
    save_class(path.parent / "p", "disc", 4)
    data = [file.read_bytes() for file in sorted((path.parent / "p").iterdir())]
    table = pa.table({"pixels": [{"bytes": d, "path": "x.png"} for d in data], **columns})
    record = {"info": {"features": features}} if nested else {"features": features}
    metadata = {b"huggingface": json.dumps(record).encode()}
    parquet.write_table(table.replace_schema_metadata(metadata), path)
    catalog = read_catalog(path)
    assert [source.read() for source in catalog.sources] == [
        data[int(name.rpartition("#")[2])] for name in catalog.names
    ]
    return catalog


CLASS = {"names": ["cat", "dog", "10"], "_type": "ClassLabel"}


@pytest.mark.parametrize("name", ["label", "breed"])
@pytest.mark.parametrize("nested", [True, False])
def test_whole_numbers_are_classes_that_the_file_names(
    tmp_path: Path, name: str, nested: bool
) -> None:
    features = {name: CLASS, "pixels": {"_type": "Image"}}
    catalog = written(tmp_path / "t.parquet", features, nested, **{name: [1, 0, 2, -1]})
    assert catalog.labels == ("dog", "cat", "10")
    ((where, reason),) = catalog.skipped
    assert (where[-5:], reason) == ("row 3", "has no label")


def test_a_number_that_names_no_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConvlensError, match="row 2: the label is 3, and the file names 3 classes"):
        written(tmp_path / "t.parquet", {"label": CLASS}, label=[1, 0, 3, 0])


def test_names_of_classes_by_number(tmp_path: Path) -> None:
    feature = {**CLASS, "names": {"0": "cat", "1": "dog"}}
    catalog = written(tmp_path / "t.parquet", {"label": feature}, label=[1, 0, 1, 0])
    assert catalog.labels == ("dog", "cat", "dog", "cat")


@pytest.mark.parametrize("feature", [{"feature": CLASS, "_type": "List"}, [CLASS]])
def test_lists_of_one_class(tmp_path: Path, feature: Any) -> None:
    catalog = written(tmp_path / "t.parquet", {"label": feature}, label=[[1], [0], [], [2]])
    assert catalog.labels == ("dog", "cat", "10")


def test_several_columns_of_classes_have_to_be_told_apart(tmp_path: Path) -> None:
    features = {"fine": CLASS, "coarse": CLASS}
    with pytest.raises(ConvlensError, match=r"rename one .*'fine', 'coarse'.* to 'label'"):
        written(tmp_path / "t.parquet", features, fine=[0, 1, 1, 0], coarse=[1, 0, 0, 1])


@pytest.mark.parametrize("metadata", [b"[]", b"{", b'{"info": {"features": [1]}}'])
def test_metadata_of_another_form_say_nothing(tmp_path: Path, metadata: bytes) -> None:
    pa, parquet = package("pyarrow"), package("pyarrow.parquet")
    save_class(tmp_path, "disc", 2)
    table = pa.table({"path": ["000.png", "001.png"], "label": [b"0", b"1"]})
    table = table.replace_schema_metadata({b"huggingface": metadata})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert read_catalog(tmp_path / "t.parquet").labels == ("0", "1")


@pytest.mark.parametrize("form", ["plain", "nested", "dictionary"])
def test_parquet_with_bytes(tmp_path: Path, form: str) -> None:
    pa = package("pyarrow")
    parquet = package("pyarrow.parquet")
    save_class(tmp_path, "disc", 6)
    data = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    cells = pa.array([{"bytes": d, "path": None} for d in data] if form == "nested" else data)
    cells = cells.dictionary_encode() if form == "dictionary" else cells
    table = pa.table({"image": cells, "label": ["a", "b"] * 3, "split": ["train"] * 6})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    catalog = read_catalog(tmp_path / "t.parquet")
    assert catalog.labels == ("a", "b") * 3
    for row in (5, 0, 3, 2):  # across row groups, not in order
        assert catalog.sources[row].read() == data[row]
    assert catalog.names[5].endswith("t.parquet#5")


def test_parquet_with_paths_and_whole_numbers_as_labels(tmp_path: Path) -> None:
    pa = package("pyarrow")
    parquet = package("pyarrow.parquet")
    save_class(tmp_path, "disc", 2)
    paths = ["000.png", "001.png"]
    parquet.write_table(pa.table({"path": paths, "label": [2, 10]}), tmp_path / "t.parquet")
    catalog = read_catalog(tmp_path / "t.parquet")
    assert catalog.classes == ("2", "10")
    assert decode(catalog.sources[1].read()).shape == (40, 48, 3)


def test_neither_memory_nor_open_files_grow_with_files_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = source._Groups()
    monkeypatch.setattr(source, "_GROUPS", groups)
    monkeypatch.setattr(source, "KEPT", 100)
    pa = package("pyarrow")
    parquet = package("pyarrow.parquet")
    for number in range(8):
        cells = [bytes([number]) + bytes(40)] * 2
        table = pa.table({"image": cells, "label": ["a", "b"], "split": ["train"] * 2})
        parquet.write_table(table, tmp_path / f"train-{number}.parquet", row_group_size=1)
    catalog = read_catalog(tmp_path)
    read = [cell.read()[0] for cell in catalog.sources]
    assert sorted(read) == sorted([*range(8)] * 2)
    assert len(groups._cells) == 2
    if Path("/proc/self/fd").exists():
        opened = [str(link.resolve()) for link in Path("/proc/self/fd").iterdir()]
        assert not [name for name in opened if name.startswith(str(tmp_path))]
