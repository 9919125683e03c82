"""YOLO's folders: a text file of lines `class x y width height` for each picture.

As Ultralytics (`data.yaml`), Roboflow (`train/images`, `train/labels`), darknet and CVAT
(`obj.data`, `obj.names`) and labelImg (`classes.txt`, labels beside pictures) lay them out.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import ConvlensError, require
from ....files import saying_where
from ...source import ENDINGS, FileSource
from ...split_name import split_named
from ..boxes import Fault, place_of
from ..places import FileIndex, files_of, split_below, tops, within
from ..raw import RawPicture, RawSet

NAMES = ("classes.txt", "obj.names", "names.txt", "labels.txt", "data.names")
"""Files with a class's name in each line."""


LOOKED_AT = 20
"""Text files that are looked at before there are taken to be none of boxes."""
LINE = re.compile(rb"\s*\d+(\.0+)?(\s+-?[\d.]+(e-?\d+)?){4,}\s*(\n|\r|$)", re.IGNORECASE)


def find(path: Path) -> list[Path]:
    """What shows this form at a path: a list of splits, or folders with labels; none elsewhere."""
    if path.is_file():
        is_list = path.suffix.lower() in {".yaml", ".yml", ".data"}
        return [path] if is_list and _is_list(path) else []
    lists = [file for file in files_of(path, ".yaml", ".yml", ".data") if _is_list(file)]
    if lists:
        return [file for file in lists if file.stem == "data"] or lists
    for top in tops(path):
        for folder in (top / "labels", top / "Labels", top):
            beside = folder == top
            possible = beside or (folder.is_dir() and (top / "images").is_dir())
            homes = tops(folder) if beside else within(folder)
            if possible and any(_has_labels(home, beside=beside) for home in homes):
                return [folder]
    return []


def _has_labels(folder: Path, *, beside: bool) -> bool:
    """Whether a folder has text files of boxes: `beside` their pictures, or by themselves."""
    files = [file for file in files_of(folder, ".txt") if file.name.lower() not in NAMES]
    if beside and files:
        stems = {file.stem for file in files_of(folder, *(f".{ending}" for ending in ENDINGS))}
        files = [file for file in files if file.stem in stems]
    return any(map(_is_labels, files[:LOOKED_AT]))


def _is_labels(file: Path) -> bool:
    with file.open("rb") as opened:
        return LINE.match(opened.read(4096)) is not None


def _is_list(file: Path) -> bool:
    try:
        text = file.read_bytes()[: 1 << 20]
    except OSError:
        return False
    return re.search(rb"^\s*[\"']?names[\"']?\s*[:=]", text, re.M) is not None and (
        re.search(rb"^\s*[\"']?(train|val|valid|test)[\"']?\s*[:=]", text, re.M) is not None
    )


def read(path: Path, found: Sequence[Path]) -> RawSet:
    """Read the labels. Raises `ConvlensError`, naming the file, where the list is damaged."""
    if len(found) > 1:
        named = ", ".join(map(str, found))
        raise ConvlensError(f"{named} each list a data set: give the one that is meant itself")
    root = path if path.is_dir() else path.parent
    raw = RawSet(
        form="yolo", root=root, unit="line", units="relative", corners=("cxcywh",), origin="from0"
    )
    record = _read_list(found[0]) if found[0].is_file() else {}
    pictures, texts = FileIndex.below(root, ENDINGS, raw.skip), FileIndex.below(root, {"txt"})
    names = _names(root, record, raw=raw, texts=texts)
    labels = {
        file: PurePosixPath(file)
        for file in texts.paths
        if PurePosixPath(file).name.lower() not in NAMES
    }
    splits = _splits(root, found[0], record, raw=raw, index=pictures)
    for picture in pictures.paths:
        if splits and picture not in splits:
            raw.skip(picture, f"is in no split of {found[0].name}")
    keypoints = _numbers_per_keypoint(record)
    used = set()
    for picture in pictures.paths:
        texts.keep(_own_labels(picture, labels), picture)
    for picture, split in (splits or {p: split_below(root, p) for p in pictures.paths}).items():
        file = _labels_of(picture, labels, texts=texts, pictures=pictures)
        one = RawPicture(source=FileSource(picture), file=file or "", split=split)
        one.labelled = file is not None
        if file is not None:
            used.add(file)
            try:
                _read_labels(file, one, raw=raw, names=names, keypoints=keypoints)
            except (OSError, UnicodeDecodeError) as error:
                raw.skip(file, f"cannot be read ({error}), so its picture is left out")
                continue
        raw.pictures.append(one)
    listed = set(pictures.paths)
    for file in labels:
        if file not in used and not _beside(file, listed) and _is_labels(Path(file)):
            raw.skip(file, "is of no picture that is there")
    return raw


def _beside(file: str, pictures: set[str]) -> bool:
    """Whether a picture of the label file is there, and was only not asked for."""
    stem = PurePosixPath(file).with_suffix("")
    parts = ["images" if part == "labels" else part for part in stem.parts]
    return any(f"{PurePosixPath(*parts)}.{ending}" in pictures for ending in ENDINGS)


def _read_list(file: Path) -> dict[str, Any]:
    """What `data.yaml` or `obj.data` says."""
    with saying_where(file, "read"):
        text = file.read_bytes().decode("utf-8-sig", "replace")
    if file.suffix == ".data":
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
        return {key.strip(): value.strip() for key, value in pairs}
    require("yaml", "train", what=f"reading {file}")
    import yaml

    try:
        record = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConvlensError(f"{file} is not readable as YAML: {error}") from error
    if not isinstance(record, dict):
        raise ConvlensError(f"{file} is no list of a data set: it has no names and splits")
    return record


def _names(root: Path, record: dict[str, Any], *, raw: RawSet, texts: FileIndex) -> dict[int, str]:
    """The classes by number, from the list or from a file with a name in each line."""
    given = record.get("names")
    if isinstance(given, str):  # obj.data names a file
        found = FileIndex.below(root, {"names", "txt"}).find(given, [root, root.parent])
        given = _lines(Path(found)) if found else None
    if not isinstance(given, list | dict):
        homes = [*tops(root), root / "labels"]
        files = (home / name for home in homes for name in NAMES)
        file = next((file for file in files if file.is_file()), None)
        file = file or next((Path(p) for p in texts.paths if Path(p).name == NAMES[0]), None)
        given = _lines(file) if file else []
    numbered = given.items() if isinstance(given, dict) else enumerate(given)
    names: dict[int, str] = {}
    for number, name in numbered:
        if str(number).isdecimal():
            names[int(number)] = raw.name_class(str(name), int(number))
    if not names:
        what = "no file names the classes (data.yaml, classes.txt): they are called by number"
        raw.faults.append(Fault("unnamed", str(root), what))
    return names


def _lines(file: Path) -> list[str]:
    with saying_where(file, "read"):
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _splits(
    root: Path, file: Path, record: Mapping[str, Any], *, raw: RawSet, index: FileIndex
) -> dict[str, str | None]:
    """The pictures that a list names, with their splits; none where there is no list.

    What stands in the lists of two splits is of neither, so that it is drawn.
    """
    splits: dict[str, str | None] = {}
    for name in ("train", "val", "valid", "test"):
        entries = record.get(name)
        for entry in entries if isinstance(entries, list) else [entries] if entries else []:
            if not (entry := str(entry).strip()):
                continue
            place = _place(root, str(record.get("path") or ""), entry, index)
            if place is None:
                raw.skip(f"{file}, {name}: {entry}", "is not there")
                continue
            split = split_named(name)
            for path in _pictures_at(place, index, split=split, raw=raw):
                splits[path] = split if splits.get(path, split) == split else None
    if record and not splits and index.paths:
        raw.skip(str(file), "names no split that is there, so all pictures are taken")
    return splits


def _place(root: Path, base: str, entry: str, index: FileIndex) -> Path | None:
    """The folder or list that a split names, wherever the data was made."""
    tidy = PurePosixPath(entry.replace("\\", "/"))
    for home in dict.fromkeys((root / base, root, root / Path(base).name)):
        if (home / tidy).exists():
            return home / tidy
    parts = [part for part in tidy.parts if part not in {"..", ".", "/"}]
    ends = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if end != root and end.exists()), None)


def _pictures_at(place: Path, index: FileIndex, *, split: str | None, raw: RawSet) -> Iterator[str]:
    if place.is_dir():
        inside = place.resolve()  # pictures may be links to elsewhere
        yield from (p for p in index.paths if Path(p).parent.resolve().is_relative_to(inside))
        return
    for number, line in enumerate(_lines(place), 1):
        path = index.find(line, [place.parent, index.root], split=split)
        if path is None:
            raw.skip(f"{place}, line {number}: {line}", "is not there")
        else:
            yield path


def _labels_of(
    picture: str, labels: Mapping[str, PurePosixPath], *, texts: FileIndex, pictures: FileIndex
) -> str | None:
    """The label file of a picture: its own one, or the only one of its name that is no other's."""
    found, stem = _own_labels(picture, labels), PurePosixPath(picture).stem
    if found is None:
        split = split_below(pictures.root, picture)
        other = texts.find(stem, stem=True, split=split, owner=picture, pictured=pictures.splits)
        found = other if other in labels and PurePosixPath(str(other)).stem == stem else None
    return found


def _own_labels(picture: str, labels: Mapping[str, PurePosixPath]) -> str | None:
    """The label file where it belongs: under `labels` instead of `images`, or beside a picture."""
    stem = PurePosixPath(picture).with_suffix("")
    parts = list(stem.parts)
    places = [k for k, part in enumerate(parts[:-1]) if part.lower() == "images"]
    candidates = [f"{stem}.txt"]
    for k in places[::-1]:
        candidates.insert(0, f"{PurePosixPath(*parts[:k], 'labels', *parts[k + 1 :])}.txt")
    return next((file for file in candidates if file in labels), None)


def _numbers_per_keypoint(record: Mapping[str, Any]) -> int:
    """2 or 3, as the list says; 0 where it says nothing, so that lines hold outlines."""
    shape = record.get("kpt_shape")
    return 0 if not shape else 2 if isinstance(shape, list) and shape[-1] == 2 else 3


def _read_labels(
    file: str, picture: RawPicture, *, raw: RawSet, names: dict[int, str], keypoints: int
) -> None:
    """Append the objects of a label file; a line that cannot be read is left out and noted."""
    text = Path(file).read_bytes().decode("utf-8-sig")
    for place, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            number, values = float(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            raw.leave_out(picture, place, f"{line.strip()[:60]!r} is not a class and numbers")
            continue
        if len(values) < 4 or not number.is_integer() or not all(map(math.isfinite, values)):
            what = f"{line.strip()[:60]!r} is not a whole number for the class and four numbers"
            raw.leave_out(picture, place, what)
            continue
        if int(number) not in names:
            names[int(number)] = raw.name_class(f"class {int(number)}", int(number))
            if len(names) > 1 or raw.classes.keys() - {names[int(number)]}:
                where = place_of(file, raw.unit, place)
                raw.faults.append(Fault("unnamed", where, f"class {int(number)} has no name"))
        extras: dict[str, Any] = {}
        if len(values) >= 6 and len(values) % 2 == 0 and not keypoints:
            extras["segmentation"] = [values]
            x, y = values[::2], values[1::2]
            left, top, right, bottom = min(x), min(y), max(x), max(y)
            values = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        elif len(values) == 5:
            extras["score"] = values[4]
        elif len(values) > 5:
            points = values[4:]
            if keypoints == 2:  # COCO's have three numbers each: 0 is not there, 2 is seen
                pairs = zip(points[::2], points[1::2], strict=False)
                points = [number for x, y in pairs for number in (x, y, 2.0 if x or y else 0.0)]
            extras["keypoints"] = points
        picture.add(place, names[int(number)], values[:4], extras=extras)
