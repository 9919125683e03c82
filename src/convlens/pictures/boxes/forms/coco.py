"""COCO's JSON: one file, or one per split; as Roboflow, CVAT and the COCO set itself lay it out."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import ConvlensError
from ....files import saying_where
from ...label import normal_label
from ...source import ENDINGS, FileSource
from ...split_name import split_named
from ..boxes import Fault, place_of
from ..places import FileIndex, files_of, tops
from ..raw import RawPicture, RawSet

OTHERS = ("captions", "panoptic", "image_info", "stuff", "person_keypoints")
"""How files of COCO's begin that say other things of the same pictures as `instances`."""
OWN = {"image_id", "category_id", "bbox", "iscrowd", "difficult"}
"""What is read of an annotation; everything else is kept beside it."""


def find(path: Path) -> list[Path]:
    """The files of this form at a path, or in a folder; none where it is something else."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" and _is_coco(path) else []
    folders = [*tops(path), path / "annotations", path / "Annotations"]
    files = [file for folder in folders for file in files_of(folder, ".json")]
    files = [file for file in dict.fromkeys(files) if _is_coco(file)]
    folders_seen: dict[tuple[int, int], Path] = {}  # `annotations` may be `Annotations`
    for file in files:
        status = file.stat()
        folders_seen.setdefault((status.st_dev, status.st_ino), file)
    files = list(folders_seen.values())
    instances = [file for file in files if not file.name.startswith(OTHERS)]
    return instances or files


def _is_coco(path: Path) -> bool:
    """Whether a file has pictures and annotations, or is named for them and breaks off."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    if b'"images"' in data and b'"annotations"' in data:
        return True
    return bool(re.search(r"coco|instances|annotations", path.name)) and not data.rstrip().endswith(
        (b"}", b"]")
    )


def read(path: Path, files: Sequence[Path]) -> RawSet:
    """Read the annotations. Raises `ConvlensError`, naming the file."""
    root = path if path.is_dir() else path.parent
    if path.is_file() and root.name.lower() == "annotations":
        root = root.parent
    raw = RawSet(
        form="coco", root=root, unit="annotation", units="pixels", corners=("xywh",), origin="from0"
    )
    index = FileIndex.below(root, ENDINGS)
    seen: dict[tuple[str, str | None], Path] = {}
    records: dict[Path, dict[str, Any]] = {}
    for file in files:
        try:
            records[file] = _load(file)
        except ConvlensError as error:
            if len(files) == 1:
                raise
            raw.skip(str(file), str(error))
    for file, record in records.items():
        for image in record["images"]:
            if isinstance(image, dict) and image.get("file_name"):
                text = str(image["file_name"])
                index.keep(index.exact(text, _folders(file, raw.root)), f"{file}:{text}")
    for file, record in records.items():
        for picture in _pictures(file, record, raw=raw, index=index):
            other = seen.setdefault((picture.source.name, picture.split), file)
            if other != file:
                raise ConvlensError(
                    f"{other} and {file} both say what {picture.source.name} shows: give the one "
                    "that is meant instead of the folder, or move the other one away"
                )
            raw.pictures.append(picture)
    known = {name for name, _ in seen}
    beside = [path for path in index.paths if path not in known]
    raw.skipped += [(path, "is not named in the annotations") for path in beside]
    return raw


def _load(file: Path) -> dict[str, Any]:
    with saying_where(file, "read"):
        data = file.read_bytes()
    try:
        record: dict[str, Any] = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConvlensError(f"{file} is not readable as JSON: {error}") from error
    for name in ("images", "annotations"):
        if not isinstance(record, dict) or not isinstance(record.get(name), list):
            raise ConvlensError(f"{file} is no COCO file of boxes: it has no list {name!r}")
    return record


@dataclass(frozen=True)
class CocoNumbers:
    """How a COCO file numbers its pictures, by `file_name`, and its classes, by name."""

    images: Mapping[str, Any]
    categories: Mapping[str, int]
    index: FileIndex

    def image(self, name: str) -> Any | None:
        """The id of a picture of this path; None where none is meant, or several could be."""
        found = self.index.find(name, owner="")  # nobody takes one from others here
        if found is None or PurePosixPath(found).name != PurePosixPath(name).name:
            return None
        return self.images[found]


def read_numbers(path: Path) -> CocoNumbers:
    """The numbers of one file. Raises `ConvlensError`, naming it."""
    record = _load(path)
    images = {
        str(image["file_name"]): image["id"]
        for image in record["images"]
        if isinstance(image, dict) and "id" in image and image.get("file_name")
    }
    categories = record.get("categories")
    named = {
        _name_of(kind) or f"class {kind['id']}": kind["id"]
        for kind in (categories if isinstance(categories, list) else [])
        if isinstance(kind, dict) and "id" in kind
    }
    return CocoNumbers(images, named, FileIndex(Path(), images))


def _split_of(file: Path) -> str | None:
    """The split that a file's name or folder says, as `instances_train2017.json`."""
    words = [*re.split(r"[-_. ]", file.name.lower()), file.parent.name.lower()]
    words = [word.rstrip("0123456789") for word in words]
    return next(filter(None, map(split_named, words)), None)


def _folders(file: Path, root: Path) -> list[Path]:
    """Where the pictures of a file may lie."""
    split, above = _split_of(file), file.parent.parent
    folders = [file.parent, file.parent / "images", root / "images", root, above]
    if split:
        years = (f"{split}2017", f"{split}2014", split)
        folders[:0] = [root / a / b for b in years for a in ("images", ".")]
    return folders


def _pictures(
    file: Path, record: dict[str, Any], *, raw: RawSet, index: FileIndex
) -> Iterator[RawPicture]:
    names = _categories(file, record, raw)
    split, folders = _split_of(file), _folders(file, raw.root)
    pictures: dict[Any, RawPicture] = {}
    for number, image in enumerate(record["images"]):
        where = f"{file}, image {number}"
        if not isinstance(image, dict) or not _is_id(image.get("id")) or not image.get("file_name"):
            raw.skip(where, "has no id, or no file_name")
            continue
        text = str(image["file_name"])
        path = index.find(text, folders, split=split)
        if path is None:
            raw.skip(f"{where}, {text}", "is not there")
            continue
        if image["id"] in pictures:
            raw.skip(f"{where}, {text}", f"has the id {image['id']}, which is taken")
            continue
        pictures[image["id"]] = RawPicture(
            source=FileSource(path),
            file=str(file),
            split=split,
            group=str(image["group"]) if image.get("group") is not None else None,
            size=_size(image),
            notes={k: v for k, v in image.items() if k not in {"width", "height", "group"}},
        )
    ids = {i["id"] for i in record["images"] if isinstance(i, dict) and _is_id(i.get("id"))}
    for number, annotation in enumerate(record["annotations"]):
        _add(file, annotation, number, raw=raw, pictures=pictures, names=names, known=ids)
    yield from pictures.values()


def _is_id(value: Any) -> bool:
    """Whether it can be a number or name by which one thing speaks of another."""
    return isinstance(value, int | float | str)


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 < height:
        return width, height
    return None


def _categories(file: Path, record: dict[str, Any], raw: RawSet) -> dict[Any, str]:
    """Names by number."""
    names: dict[Any, str] = {}
    for category in record.get("categories") or []:
        if isinstance(category, dict) and _is_id(category.get("id")):
            number = category["id"] if isinstance(category["id"], int) else None
            name = _name_of(category)
            if not name:
                what = f"category {category['id']!r} has no name"
                raw.faults.append(Fault("unnamed", str(file), what))
            names[category["id"]] = raw.name_class(name or f"class {category['id']}", number)
    for key in ("info", "licenses", "categories"):
        if record.get(key):
            raw.record.setdefault(key, record[key])
    return names


def _name_of(category: Mapping[str, Any]) -> str:
    """What a category is called, as it is written; empty where there is nothing to be seen."""
    name = category.get("name")
    return str(name) if name is not None and normal_label(str(name)) else ""


def _add(
    file: Path,
    annotation: Any,
    number: int,
    *,
    raw: RawSet,
    pictures: dict[Any, RawPicture],
    names: dict[Any, str],
    known: set[Any],
) -> None:
    """Append an annotation to its picture, or note why not."""
    own = annotation.get("id") if isinstance(annotation, dict) else None
    place = own if isinstance(own, int) else number
    where = place_of(str(file), raw.unit, place)
    of_picture = annotation.get("image_id") if isinstance(annotation, dict) else None
    if not _is_id(of_picture) or of_picture not in known:
        raw.faults.append(Fault("unreadable", where, "is of no picture that the file has"))
        return
    picture = pictures.get(of_picture)
    if picture is None:  # it is not there, and that has been said
        return
    box = _numbers(annotation.get("bbox"), 4) or _around(annotation.get("segmentation"))
    if box is None:
        raw.leave_out(picture, place, f"its bbox is {annotation.get('bbox')!r}, not four numbers")
        return
    category = annotation.get("category_id")
    category = category if _is_id(category) else str(category)
    if category not in names:
        names[category] = raw.name_class(f"class {category}")
        raw.faults.append(Fault("unnamed", where, f"category {category!r} has no name"))
    picture.add(
        place,
        names[category],
        box,
        crowd=bool(annotation.get("iscrowd")),
        difficult=bool(annotation.get("difficult")),
        extras={k: v for k, v in annotation.items() if k not in OWN},
    )


def _numbers(value: Any, count: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    try:
        numbers = [float(number) for number in value]
    except (TypeError, ValueError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _around(outlines: Any) -> list[float] | None:
    """The box around outlines, as left, top, width, height."""
    if not isinstance(outlines, list) or not all(isinstance(one, list) for one in outlines):
        return None
    flat = _numbers([value for one in outlines for value in one], sum(map(len, outlines)))
    if not flat or len(flat) % 2:
        return None
    x, y = flat[::2], flat[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]
