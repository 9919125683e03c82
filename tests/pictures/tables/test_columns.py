"""What columns mean: flags of splits, one-hot labels, lists of labels, numbers of pandas."""

from pathlib import Path
from typing import Any

import pytest

from convlens.errors import ConvlensError
from convlens.pictures.catalog import Catalog
from convlens.pictures.read import read_catalog
from helpers import package, save_class


@pytest.fixture(params=["csv", "parquet", "jsonl"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    save_class(tmp_path, "disc", 4)
    if request.param == "parquet":
        package("pyarrow")
    return tmp_path / f"table.{request.param}"


def read(table: Path, **columns: list[Any]) -> Catalog:
    """Columns beside four paths, written by pandas, and read."""
    pandas = package("pandas")
    frame = pandas.DataFrame({"path": [f"{k:03}.png" for k in range(4)]} | columns)
    match table.suffix:
        case ".csv":
            frame.to_csv(table)
        case ".parquet":
            frame.set_index(frame.index + 7).to_parquet(table)
        case _:
            frame.to_json(table, orient="records", lines=True)
    return read_catalog(table)


LABELS = ["cat", "dog", "cat", "dog"]


def test_flags_name_splits(table: Path) -> None:
    catalog = read(table, label=LABELS, is_valid=[False, True, False, False])
    assert catalog.splits == ("train", "val", "train", "train")
    catalog = read(table, label=LABELS, is_valid=[0, 1, 0, 0], is_test=[0, 0, 0, 1])
    assert catalog.splits == ("train", "val", "train", "test")
    catalog = read(table, label=LABELS, is_valid=[1, 1, 0, 0], split=["test", "", "excluded", ""])
    assert catalog.splits == ("test", "val", "train")
    with pytest.raises(ConvlensError, match="'is_valid' is 'perhaps'; it can be 0 or 1"):
        read(table, label=LABELS, is_valid=["0", "perhaps", "0", "0"])


def test_one_column_a_class(table: Path) -> None:
    catalog = read(table, cat=[1, 0, 0, 0], dog=[0.0, 1.0, 0.0, 0.0], fox=[0, 0, 1, 0])
    assert catalog.labels == ("cat", "dog", "fox")
    ((_, reason),) = catalog.skipped
    assert reason == "has no label"
    with pytest.raises(ConvlensError, match=r"(line 3|line 2|row 1) has 2 labels \(cat, dog\)"):
        read(table, cat=[1, 1, 0, 0], dog=[0, 1, 0, 0], fox=[0, 0, 1, 0])
    with pytest.raises(ConvlensError, match="'dog' is '7'; it can be 0 or 1"):
        read(table, cat=[1, 0, 0, 0], dog=[0, 1, 7, 0])


def test_columns_of_other_things_are_no_classes(table: Path) -> None:
    with pytest.raises(ConvlensError, match=r"no column for the label.*'age', 'sex'"):
        read(table, age=[3, 1, 0, 0], sex=[1, 0, 0, 1])


def test_lists_of_one_label_are_labels_and_others_are_refused(table: Path) -> None:
    catalog = read(table, labels=[["cat"], ["small dog"], ["cat"], []])
    assert catalog.labels == ("cat", "small dog", "cat")
    with pytest.raises(ConvlensError, match=r"has 2 labels \(cat, dog\), and a picture has one"):
        read(table, labels=[["cat"], ["cat", "dog"], ["cat"], ["dog"]])


def test_whole_numbers_that_pandas_made_fractions(table: Path) -> None:
    catalog = read(table, label=[1.0, 10.0, None, 2.0])
    assert catalog.classes == ("1", "2", "10")
    assert len(catalog.skipped) == 1
    assert read(table, label=[1.5, 2.0, 1.5, 2.5]).classes[0] == "1.5"


def test_an_address_instead_of_a_path_says_what_to_do(table: Path) -> None:
    paths = ["000.png", "https://a.b/c.jpg"] * 2
    with pytest.raises(ConvlensError, match=r"(line 3|line 2|row 1): https://a.b/c.jpg is an add"):
        read(table, label=LABELS, path=paths)
