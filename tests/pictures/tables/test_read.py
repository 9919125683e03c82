"""Tables that lie in folders of pictures: imagefolder's metadata, and folders of Parquet."""

import json
from collections import Counter
from pathlib import Path

import pytest

from convlens.errors import ConvlensError
from convlens.pictures.read import read_catalog
from helpers import package, save_class


def write_metadata(path: Path, count: int, label: str = "label") -> None:
    """A table of that kind beside so many pictures, the last one of which it does not name."""
    save_class(path.parent, "disc", count)
    frame = package("pandas").DataFrame(
        {
            "file_name": [f"{k:03}.png" for k in range(count - 1)],
            label: ["cat" if k % 2 else "dog" for k in range(count - 1)],
        }
    )
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case _:
            frame.to_parquet(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_metadata_beside_flat_pictures(tmp_path: Path, kind: str) -> None:
    write_metadata(tmp_path / f"metadata.{kind}", 5)
    (tmp_path / "metadata.yaml").touch()
    catalog = read_catalog(tmp_path)
    assert catalog.counts() == {"cat": 2, "dog": 2}
    assert catalog.splits == (None,) * 4
    assert {Path(name).name for name, _ in catalog.skipped} == {"004.png", "metadata.yaml"}


def test_metadata_in_each_split(tmp_path: Path) -> None:
    write_metadata(tmp_path / "d" / "train" / "metadata.csv", 7)
    write_metadata(tmp_path / "d" / "validation" / "metadata.jsonl", 3)
    catalog = read_catalog(tmp_path)
    assert Counter(zip(catalog.splits, catalog.labels, strict=True)) == {
        ("train", "cat"): 3,
        ("train", "dog"): 3,
        ("val", "cat"): 1,
        ("val", "dog"): 1,
    }


def test_metadata_without_labels(tmp_path: Path) -> None:
    write_metadata(tmp_path / "metadata.csv", 3, label="text")
    with pytest.raises(ConvlensError, match=r"metadata\.csv has no column for the label.*'text'"):
        read_catalog(tmp_path)
    for label in ("cat", "dog"):  # then the folders say it
        save_class(tmp_path / label, "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.counts() == {"cat": 2, "dog": 2}
    assert (str(tmp_path / "metadata.csv"), catalog.skipped[-1][1]) == catalog.skipped[-1]
    assert "give it itself" in catalog.skipped[-1][1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("data/train-00000-of-00001-a1b2.parquet", "data/test-00000-of-00001.parquet"),
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("train.parquet", "test.parquet"),
    ],
)
def test_folders_of_parquet(tmp_path: Path, first: str, second: str) -> None:
    pa, parquet = package("pyarrow"), package("pyarrow.parquet")
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    for path, count in ((first, 3), (second, 2)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        cells = [{"bytes": b"%d" % k} for k in range(count)]
        table = pa.table({"image": cells, "label": [k % 2 for k in range(count)]})
        table = table.replace_schema_metadata({b"huggingface": json.dumps(names).encode()})
        parquet.write_table(table, tmp_path / path)
    (tmp_path / "README.md").touch()
    catalog = read_catalog(tmp_path)
    assert Counter(zip(catalog.splits, catalog.labels, strict=True)) == {
        ("train", "cat"): 2,
        ("train", "dog"): 1,
        ("test", "cat"): 1,
        ("test", "dog"): 1,
    }


def test_a_table_beside_flat_pictures_is_named(tmp_path: Path) -> None:
    save_class(tmp_path, "disc", 20)
    (tmp_path / "labels.csv").write_text("path,label\n")
    with pytest.raises(ConvlensError, match=r"give the table .*labels\.csv instead of the folder"):
        read_catalog(tmp_path)
