"""Pictures are found where a table says they are, or by one repair that suits all of it."""

from pathlib import Path

import pytest

from convlens.errors import ConvlensError
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from convlens.pictures.tables.paths import locate
from helpers import save_class


def found(folder: Path, texts: list[str]) -> list[str]:
    """Where the pictures are that a table in the folder names, relative to that."""
    (folder / "table.csv").write_text("id,label\n" + "".join(f'"{t}",x\n' for t in texts))
    sources = read_catalog(folder / "table.csv").sources
    assert [decode(source.read()).shape for source in sources] == [(40, 48, 3)] * len(texts)
    return [str(Path(source.name).relative_to(folder)) for source in sources]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place in ("train/cat", "train/dog", "test"):
        save_class(tmp_path / place, "disc", 4)
    return tmp_path


WANTED = [f"train/{label}/{k:03}.png" for label in ("cat", "dog") for k in range(4)]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "./",
        "{folder}/",
        "/home/ann/data/",
        "C:\\Users\\Ann\\data\\",
        "\\\\nas\\data\\",
        "../data/",
    ],
)
def test_folders_at_the_beginning_that_are_not_here(folder: Path, before: str) -> None:
    texts = [before.format(folder=folder) + path for path in WANTED]
    assert found(folder, texts) == WANTED


@pytest.mark.parametrize("ending", ["", ".png"])
def test_a_folder_beside_the_table_and_an_ending_that_was_left_out(
    tmp_path: Path, ending: str
) -> None:
    save_class(tmp_path / "train", "disc", 6)
    save_class(tmp_path / "test", "cross", 8, first=5)  # 005 is there too
    texts = [f"{k:03}{ending}" for k in range(6)]
    assert found(tmp_path, texts) == [f"train/{k:03}.png" for k in range(6)]


def test_what_could_be_either_is_neither(tmp_path: Path) -> None:
    for place in ("train", "test"):
        save_class(tmp_path / place, "disc", 4)
    with pytest.raises(ConvlensError, match="none of its 4 pictures is there, the first being"):
        found(tmp_path, [f"{k:03}.png" for k in range(4)])


def test_a_picture_that_is_missing_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    save_class(tmp_path / "cat", "disc", 4)
    save_class(tmp_path / "dog", "disc", 1, first=4)
    texts = [f"cat/{k:03}.png" for k in (4, 0, 1, 2, 3)]
    (tmp_path / "table.csv").write_text("id,label\n" + "".join(f"{t},x\n" for t in texts))
    first, *others = read_catalog(tmp_path / "table.csv").sources
    assert all(source.read() for source in others)
    with pytest.raises(ConvlensError, match="No such file"):
        first.read()


def test_mixed_slashes_and_spaces(folder: Path) -> None:
    texts = [f" train\\{path.removeprefix('train/')} " for path in WANTED]
    assert found(folder, [*texts, WANTED[0]]) == [*WANTED, WANTED[0]]


def test_what_lies_within_shards_is_no_picture_to_a_table(tmp_path: Path) -> None:
    with pytest.raises(ConvlensError, match=r"lie within .*train-0\.tar and the like"):
        locate(tmp_path / "manifest.csv", [f"{tmp_path}/train-0.tar#1.jpg"])
