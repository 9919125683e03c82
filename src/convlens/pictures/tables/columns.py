"""Which column of a table is which, by the names that people give them, and what cells say."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from ...errors import ConvlensError
from ..label import whole_characters
from ..split_name import split_named

COLUMNS = {
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path", "fname"),
        *("image_path", "img_path", "image", "img", "picture", "image_name", "img_name"),
        *("image_id", "id", "url", "name"),
    ),
    "bytes": ("bytes", "image_bytes", "image", "img", "picture"),
    "label": (
        *("class_name", "label_name", "category_name"),  # where numbers stand beside them
        *("label", "class", "category", "target", "labels"),
    ),
    "split": ("split", "set", "subset"),
    "group": ("group", "group_id"),
}
"""The names under which people keep these columns, the preferred one first."""
MANIFEST = ("path", "hash", "label", "split", "group")
"""The columns of the table that a run writes of its pictures."""
FLAGS = {"is_valid": "val", "is_val": "val", "is_test": "test"}
"""Columns that are true for the pictures of a split; where all are false, a picture is to train."""
TRUTH = dict.fromkeys(("1", "1.0", "true", "yes"), True) | dict.fromkeys(
    ("0", "0.0", "false", "no", ""), False
)
ITEM = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d.]*")
LIST = re.compile(rf"\[\s*(?:(?:{ITEM.pattern})(?:[,\s]+(?:{ITEM.pattern}))*)?[,\s]*\]")
"""A list as Python, NumPy or JSON write it into a cell."""
INDEX = re.compile(r"|index|unnamed: \d+|__index_level_\d+__", re.IGNORECASE)
"""The names of a column in which pandas has written the numbers of the rows."""


class NoColumnError(ConvlensError):
    """A table has no column for something that it must have."""


def no_column(path: Path, role: str, *, names: Sequence[str]) -> NoColumnError:
    """The error that says which columns there are, and what to do."""
    return NoColumnError(
        f"{path} has no column for the {role}: rename one of its columns "
        f"({_shown(names) or 'it has none'}) to {role!r}"
    )


def _shown(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (", …" if names[most:] else "")


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns by what they are for.

    `one_hot` are those of one class each, where there is no column of labels; `classes` are the
    names that whole numbers stand for in the column of labels, if any. In the manifest of a run,
    labels are `exact`: nothing is read into `1.0` or `['a']`.
    """

    roles: Mapping[str, str]
    flags: Mapping[str, str]
    one_hot: tuple[str, ...]
    classes: tuple[str, ...] = ()
    exact: bool = False

    def of_role(self, role: str, cells: Mapping[str, Any]) -> str:
        """What a row says of something; empty where it says nothing."""
        name = self.roles.get(role)
        return "" if name is None else text_of(cells.get(name))

    def label(self, cells: Mapping[str, Any], where: str) -> str:
        """A row's label; empty where it has none. Raises `ConvlensError` where it has several."""
        if self.one_hot:
            try:
                labels = [name for name in self.one_hot if _truth(name, cells, where)]
            except ConvlensError as error:
                raise ConvlensError(f"{error}; or call the column of labels 'label'") from error
            return label_of(labels, where=where)
        if self.exact:
            return self.of_role("label", cells)
        return label_of(cells.get(self.roles["label"]), where=where, classes=self.classes)

    def split(self, cells: Mapping[str, Any], where: str) -> str | None:
        """A row's split, or `excluded`; None where it does not say. Raises `ConvlensError`."""
        text = self.of_role("split", cells).strip()
        if text and text != "excluded" and not split_named(text):
            raise ConvlensError(
                f"{where}: the split is {text!r}; it can be 'train', 'val', 'test' or empty"
            )
        flagged = [split for name, split in self.flags.items() if _truth(name, cells, where)]
        by_flags = [*flagged, "train"][0] if self.flags else None
        return split_named(text) or text or by_flags


def find_columns(
    path: Path,
    names: Sequence[str],
    *,
    needed: Collection[str] = (),
    label: str | None = None,
) -> Columns:
    """Tell by their names what columns are for.

    Args:
        path: The table.
        names: Of its columns.
        needed: What it must have columns for. For labels, two columns more than are known do, which
            may be of one class each.
        label: The column of labels, where none has a name that says so.

    Raises:
        ConvlensError: A needed one is missing (`NoColumnError`), or there are two of one name.
    """
    named: dict[str, list[str]] = {}
    for name in names:
        named.setdefault(re.sub(r"[\s-]", "_", name.strip().lower()), []).append(name)
    found = {role: [k for k in known if k in named] for role, known in COLUMNS.items()}
    keys = {role: present[0] for role, present in found.items() if present}
    flags = {named[key][0]: split for key, split in FLAGS.items() if key in named}
    for key in keys.values():
        if len(named[key]) > 1:
            raise ConvlensError(
                f"{path} has {len(named[key])} columns that are called {named[key][0]!r}: rename "
                "all but one of them"
            )
    roles = {role: named[key][0] for role, key in keys.items()}
    if label is not None:
        roles.setdefault("label", label)
    one_hot: tuple[str, ...] = ()
    if "label" not in roles:
        known = {*roles.values(), *flags}
        one_hot = tuple(n for n in names if n not in known and not INDEX.fullmatch(n.strip()))
    for role in needed:
        if role not in roles and not (role == "label" and len(one_hot) > 1):
            raise no_column(path, role, names=names)
    return Columns(roles, flags, one_hot, exact=tuple(names) == MANIFEST)


def are_one_hot(columns: Columns, cells: Mapping[str, Any]) -> bool:
    """Whether a row, the first one, has nothing but 0 and 1 in the columns of one class each."""
    texts = [text_of(cells.get(name)).strip().lower() for name in columns.one_hot]
    return all(text and text in TRUTH for text in texts)


def label_of(value: Any, *, where: str, classes: Sequence[str] = ()) -> str:
    """The label that a cell holds; empty where it holds none.

    Args:
        value: The cell: text, a number, or a list of one of them, which may be written as text.
        where: What to call the row.
        classes: What whole numbers stand for.

    Raises:
        ConvlensError: There are several labels, or none of the classes has that number.
    """
    if isinstance(value, str) and LIST.fullmatch(value.strip()):
        value = [item.strip("'\"") for item in ITEM.findall(value)]
    if isinstance(value, list):
        if len(value) > 1:
            raise ConvlensError(
                f"{where} has {len(value)} labels ({', '.join(map(text_of, value))}), and a "
                "picture has one here: leave one in each row"
            )
        value = value[0] if value else None
    if isinstance(value, dict) or (classes and value == -1):  # as `datasets` writes no label
        return ""
    if not classes or not isinstance(value, int):
        return text_of(value)
    if not 0 <= value < len(classes):
        raise ConvlensError(
            f"{where}: the label is {value}, and the file names {len(classes)} classes, from 0 on"
        )
    return classes[value]


def _truth(name: str, cells: Mapping[str, Any], where: str) -> bool:
    text = text_of(cells.get(name)).strip()
    if text.lower() not in TRUTH:
        raise ConvlensError(f"{where}: {name!r} is {text!r}; it can be 0 or 1, false or true")
    return TRUTH[text.lower()]


def text_of(value: Any) -> str:
    """A cell as text that can be written; empty where it holds what pandas takes for nothing."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, dict):  # an image as `datasets` has it
        return text_of(value.get("path"))
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return whole_characters(str(value))
