"""CSV as people and spreadsheets write it, and JSON Lines, oracles being pandas and Python."""

import json
from pathlib import Path

import pytest

from convlens.errors import ConvlensError
from convlens.pictures.catalog import Catalog
from convlens.pictures.read import read_catalog
from helpers import package, save_class

PATHS = ("images/000.png", "images/001.png", "images/002.png")
LABELS = ("cat", "dog", "cat")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Where a table of three pictures may be written."""
    save_class(tmp_path / "images", "disc", 3)
    return tmp_path / "table.csv"


def rows_of(catalog: Catalog) -> list[tuple[str, str]]:
    root = catalog.root
    names = (str(Path(name).relative_to(root)) for name in catalog.names)
    return list(zip(names, catalog.labels, strict=True))


WANTED = list(zip(PATHS, LABELS, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encodings_of_spreadsheets(table: Path, encoding: str, delimiter: str) -> None:
    frame = package("pandas").DataFrame({"path": PATHS, "label": ["caté", "dog", "caté"]})
    frame.to_csv(table, encoding=encoding, sep=delimiter)
    assert [label for _, label in rows_of(read_catalog(table))] == ["caté", "dog", "caté"]
    assert read_catalog(table).remarks == ()


@pytest.mark.parametrize(
    "above",
    [
        "sep=;\r\n",
        '"sep=;"\r\n',
        "# made by hand, by us; all of it\n",
        "Pictures of 2024; by the image team\n;;\n\n",
        'Export\n"of several\nlines"\n',
    ],
)
def test_what_stands_above_the_names_of_columns(table: Path, above: str) -> None:
    text = above + "label;note;path\n" + "".join(f"{k};x;{p}\n" for p, k in WANTED)
    table.write_text(text, newline="")
    catalog = read_catalog(table)
    assert rows_of(catalog) == WANTED
    assert all("stands above" in reason for _, reason in catalog.skipped)
    assert len(catalog.skipped) == {"s": 0, '"': 0, "#": 0, "P": 1, "E": 2}[above[0]]


def test_errors_count_lines_as_editors_do(table: Path) -> None:
    table.write_text(f"sep=,\npath,label,split\n{PATHS[0]},cat,train\n{PATHS[1]},dog,later\n")
    with pytest.raises(ConvlensError, match=r"table\.csv, line 4: the split is 'later'"):
        read_catalog(table)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("turned", [False, True])
def test_two_columns_without_names(table: Path, delimiter: str, turned: bool) -> None:
    order = -1 if turned else 1
    table.write_text("".join(delimiter.join(row[::order]) + "\n" for row in WANTED))
    assert rows_of(read_catalog(table)) == WANTED


def test_more_columns_without_names_say_what_to_write(table: Path) -> None:
    table.write_text("".join(f"{p},{k},x\n" for p, k in WANTED))
    with pytest.raises(ConvlensError, match="has no names of columns above: write a line of them"):
        read_catalog(table)


def test_quotes(table: Path) -> None:
    rows = f'"{PATHS[0]}", "cat, ""small""\nand\nyoung"\n{PATHS[1]},dog\n'
    table.write_text("path, label\n" + rows)
    assert rows_of(read_catalog(table)) == [(PATHS[0], 'cat, "small" and young'), WANTED[1]]
    table.write_text(f'path,label\n{PATHS[0]},cat\n"{PATHS[1]},dog\n{PATHS[2]},cat\n')
    with pytest.raises(ConvlensError, match=r"table\.csv, line 4: not readable as CSV"):
        read_catalog(table)


def test_a_row_with_more_cells_than_columns_is_skipped_and_told(table: Path) -> None:
    table.write_text(f"path,label\n{PATHS[0]},cat,\n{PATHS[1]},dog, old\n{PATHS[2]},cat\n")
    catalog = read_catalog(table)
    assert rows_of(catalog) == [WANTED[0], WANTED[2]]
    ((where, reason),) = catalog.skipped
    assert where.endswith("line 3")
    assert "quote them" in reason


def test_two_columns_of_one_name_are_refused(table: Path) -> None:
    table.write_text(f"path,label,Label\n{PATHS[0]},cat,dog\n")
    with pytest.raises(ConvlensError, match="2 columns that are called 'label': rename"):
        read_catalog(table)


def test_json_lines(table: Path) -> None:
    path = table.with_suffix(".jsonl")
    records = [{"file_name": p, "label": k, "more": {"x": [1]}} for p, k in WANTED]
    path.write_text("\n".join(map(json.dumps, records)) + "\n\n")
    assert rows_of(read_catalog(path)) == WANTED
    path.write_text(json.dumps(records[0]) + "\n{]\n")
    with pytest.raises(ConvlensError, match="line 2: not readable as JSON"):
        read_catalog(path)
    path.write_text(json.dumps(PATHS))
    with pytest.raises(ConvlensError, match="line 1: it is no JSON object"):
        read_catalog(path)
    path.write_text('{"file_name": "images/000.png", "text": "a cat"}')
    with pytest.raises(ConvlensError, match=r"no column for the label.*'text'"):
        read_catalog(path)


def test_a_spreadsheet_says_what_to_do(table: Path) -> None:
    path = table.with_suffix(".xlsx")
    path.write_bytes(b"PK\3\4")
    with pytest.raises(ConvlensError, match="is a spreadsheet: save it as CSV"):
        read_catalog(path)


def test_names_of_classes_are_taken_where_numbers_stand_beside_them(table: Path) -> None:
    rows = "".join(f"{path},{len(label)},{label}\n" for path, label in WANTED)
    for names in ("path,label,label_name", "fname,label_id,class_name", "name,class,category_name"):
        table.write_text(f"{names}\n{rows}")
        assert rows_of(read_catalog(table)) == WANTED


def test_a_null_character_in_a_label_makes_no_other_encoding_of_a_table(table: Path) -> None:
    table.write_text("path,label\n" + "".join(f"{p},{k}\0\n" for p, k in WANTED))
    assert rows_of(read_catalog(table)) == [(path, f"{label}\0") for path, label in WANTED]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"path,label\n", "a row has a path and a label"),
        (b"path,label\n,cat\n", "line 2: has no path"),
        (b"PK\x03\x04" + bytes(200), "is no text, but a ZIP archive or an office document"),
        (b"\x1f\x8b\x08" + bytes(200), "is no text, but compressed with gzip"),
        (b"a" * 9999 + b"\n", r"rename one of its columns \('a{60}'\) to"),
    ],
)
def test_what_is_no_table_says_so(table: Path, content: bytes, says: str) -> None:
    table.write_bytes(content)
    with pytest.raises(ConvlensError, match=says):
        read_catalog(table)


def test_images_as_objects_with_a_path(tmp_path: Path) -> None:
    save_class(tmp_path / "images", "disc", 3)
    table = tmp_path / "table.jsonl"
    rows = [{"image": {"path": path, "bytes": None}, "label": label} for path, label in WANTED]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert rows_of(read_catalog(table)) == WANTED
