"""One form for labels: what prints alike is alike."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

_INVISIBLE = dict.fromkeys(
    (
        *map(ord, "\u00ad\u034f\u061c\u200b\u200e\u200f\ufeff"),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x206A),
    )
)
"""Soft hyphen, what has no width, marks of the direction of writing, the mark of byte order."""


def normal_label(text: str) -> str:
    """A label in the form that it has everywhere; empty where there is nothing to be seen.

    Characters are composed (NFC), space at both ends is left out, any other is one blank. Bytes
    that are no UTF-8, as Python escapes them, are read as Windows-1252, which Excel writes.
    """
    text = whole_characters(text)
    if not is_utf8(text):
        text = from_windows(text)
    return " ".join(unicodedata.normalize("NFC", text).translate(_INVISIBLE).split())


def is_utf8(text: str) -> bool:
    """Whether it can be written as UTF-8: names on disk, and old tables, need not be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def from_windows(text: str) -> str:
    """Text with escaped bytes (PEP 383), all of it read as Windows-1252."""
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def tidy_path(text: str) -> str:
    """A path that somebody wrote, without spaces around it, backslashes, and escaped bytes."""
    return (text if is_utf8(text) else from_windows(text)).strip().replace("\\", "/")


def whole_characters(text: str) -> str:
    """Text with `?` for half a character, which JSON can write and no file can hold.

    Escaped bytes stay.
    """
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def remarks_about(spellings: Mapping[str, set[str]]) -> Iterator[str]:
    """What the user should know of labels, by how the data writes each."""
    for label, written in spellings.items():
        if not all(map(is_utf8, written)):
            yield f"the label {label!r} is not written in UTF-8, and was read as Windows-1252"
        elif len(written) > 1:
            yield f"the label {label!r} is written in {len(written)} ways that print alike"
    for label in spellings:
        parts = [part.strip() for part in re.split(r"[|;,+&/ ]", label)]
        if len(parts) > 1 and all(part in spellings for part in parts):
            yield f"the label {label!r} reads like several, and a picture has one here"
    by_case: dict[str, list[str]] = {}
    for label in spellings:
        by_case.setdefault(label.casefold(), []).append(label)
    for labels in by_case.values():
        if len(labels) > 1:
            yield f"the labels {' and '.join(map(repr, sorted(labels)))} differ in case only"
