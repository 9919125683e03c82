"""Pascal VOC's XML: a file for each picture, in `Annotations` or beside the pictures."""

import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from ...source import ENDINGS, FileSource
from ...split_name import split_named
from ..places import FileIndex, files_of, split_below, tops, within
from ..raw import RawPicture, RawSet

CORNERS = ("xmin", "ymin", "xmax", "ymax")
OWN = {"name", "bndbox", "difficult"}
"""What is read of an object; everything else is kept beside it."""
OWN_PICTURE = {"filename", "path", "folder", "size", "object"}


def find(path: Path) -> list[Path]:
    """The folder in which files of this form lie; none where there are none."""
    if path.is_file():
        return []
    for top in tops(path):
        for folder in (top / "Annotations", top / "annotations", top):
            for place in tops(folder) if folder == top else within(folder):
                if any(map(_is_voc, files_of(place, ".xml")[:5])):
                    return [folder]
    return []


def _is_voc(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b"<annotation" in opened.read(4096)
    except OSError:
        return False


def read(path: Path, found: Sequence[Path]) -> RawSet:
    """Read the annotations; a file that cannot be read is skipped."""
    raw = RawSet(
        form="voc", root=path, unit="object", units="pixels", corners=("xyxy",), origin=None
    )
    index = FileIndex.below(path, ENDINGS, raw.skip)
    splits = _splits(path, raw)
    used: set[str] = set()
    files = FileIndex.below(path, {"xml"}).paths
    of_stem: dict[str, list[str]] = {}
    for path_of_picture in index.paths:
        stem = os.path.splitext(path_of_picture)[0]  # noqa: PTH122
        of_stem.setdefault(stem, []).append(path_of_picture)
    for file in files:
        for home in _homes(file):
            for own in of_stem.get(os.path.normpath(home / PurePosixPath(file).stem), ()):
                index.keep(own, file)
    for file in files:
        try:
            tree = _parse(Path(file))
        except (OSError, ValueError, ElementTree.ParseError) as error:
            picture = _picture_of(file, "", index)
            used.update([picture] if picture else [])
            raw.skip(file, f"cannot be read ({error}), so its picture is left out")
            continue
        if tree.tag != "annotation":
            raw.skip(file, f"is XML of {tree.tag!r}, not an annotation")
            continue
        picture = _picture_of(file, _text(tree, "filename"), index)
        if picture is None:
            raw.skip(file, "is of no picture that is there")
            continue
        if picture in used:
            raw.skip(file, f"is of {picture}, as another file is")
            continue
        used.add(picture)
        name = PurePosixPath(file).stem
        split = splits.get(name) if splits else split_below(path, picture)
        raw.pictures.append(_read_picture(file, tree, picture, split=split, raw=raw))
    for text in index.paths:
        if text not in used:
            raw.skip(text, "has no annotation, so it is left out")
    raw.sort_classes()
    return raw


def _parse(file: Path) -> ElementTree.Element:
    data = file.read_bytes()
    if b"<!ENTITY" in data:
        raise ValueError("it declares entities")
    return ElementTree.fromstring(data)  # noqa: S314


def _text(element: ElementTree.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _picture_of(file: str, filename: str, index: FileIndex) -> str | None:
    """The picture that an annotation is of: the one of the same name, or the one that it names."""
    pictures = _homes(file)
    find = partial(
        index.find,
        split=split_below(index.root, file),
        owner=file,
        pictured=index.splits,
    )
    stem = PurePosixPath(file).stem
    ending = PurePosixPath(filename.replace("\\", "/")).suffix
    named = find(stem + ending, pictures) if ending else None
    return named or find(stem, stem=True) or find(filename, pictures)


def _homes(file: str) -> list[Path]:
    """Folders in which an annotation's picture belongs."""
    folder = Path(file).parent
    return [folder / home for home in (".", "../JPEGImages", "../images", "../Images")]


def _splits(root: Path, raw: RawSet) -> dict[str, str | None]:
    """The split of each name that `ImageSets/Main` lists; what only `trainval` has is to train."""
    splits: dict[str, str | None] = {}
    for name in ("test", "val", "train", "trainval"):
        file = root / "ImageSets" / "Main" / f"{name}.txt"
        if not file.is_file():
            continue
        split = split_named(name) or "train"
        for line in file.read_bytes().decode("utf-8", "surrogateescape").splitlines():
            words = line.split()
            stem = words[0] if len(words) == 2 and words[1] in {"-1", "0", "1"} else line.strip()
            if stem:
                stem = stem.removesuffix(".jpg")
                known = splits.setdefault(stem, split)
                if known != split and name != "trainval":
                    raw.skip(f"{file}: {stem}", f"is of {known} already")
    return splits


def _read_picture(
    file: str, tree: ElementTree.Element, path: str, *, split: str | None, raw: RawSet
) -> RawPicture:
    size = [_number(_text(tree, f"size/{name}")) for name in ("width", "height")]
    whole = all(value is not None and value >= 1 for value in size)
    picture = RawPicture(
        source=FileSource(path),
        file=file,
        split=split,
        size=(int(size[0] or 0), int(size[1] or 0)) if whole else None,
        notes=_plain(tree, OWN_PICTURE),
    )
    for place, element in enumerate(tree.findall("object"), 1):
        values = [_number(_text(element, f"bndbox/{name}")) for name in CORNERS]
        if any(value is None for value in values):
            raw.leave_out(picture, place, "has no bndbox of four numbers")
            continue
        label = _text(element, "name")
        if not label:
            raw.leave_out(picture, place, "has no name")
            continue
        picture.add(
            place,
            raw.name_class(label),
            [value for value in values if value is not None],
            difficult=_text(element, "difficult") == "1",
            extras=_plain(element, OWN),
        )
    return picture


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _plain(element: ElementTree.Element, own: set[str]) -> dict[str, Any]:
    """What is said beside, as text or number by name; of several of one name, a list."""
    plain: dict[str, Any] = {}
    for child in element:
        if child.tag in own:
            continue
        value: Any = _plain(child, set()) if len(child) else _value(child.text or "")
        if child.tag in plain:
            earlier = plain[child.tag]
            value = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        plain[child.tag] = value
    return plain


def _value(text: str) -> int | float | str:
    """A number where the text is how it is written, so that it can be written as one again."""
    text = text.strip()
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and text[-1].isdecimal():  # not a number, and infinity, are no JSON
            return value
    return text
