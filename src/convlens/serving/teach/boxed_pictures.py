"""Pictures with boxes that were drawn in the page, in a folder that `convlens train` reads."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from ...errors import PictureError
from ...files import write_whole
from ...pictures.boxes.boxes import SIDEWAYS
from ...pictures.boxes.read import read_boxes
from ...pictures.boxes.upright import head_of
from ...pictures.formats.opening import file_ending
from ...pictures.source import Source, content_hash
from ..problems import Problem, not_found
from ..schemas import AddedPictures, BoxesToTeach, DrawnBox, RefusedPicture, TaughtPicture
from .labelled_pictures import check_room, checked_label
from .teaching_folder import TeachingFolder, no_place

MIN_SIDE = 2
"""Pixels that a box has a side: smaller ones are slips, and read like shares of a picture."""


class BoxedPictures:
    """Encoded pictures, named by their contents, and their boxes as COCO's JSON.

    A picture of which nobody has said what it shows lies in `images` too, and the JSON does not
    name it, so that nothing is learnt from it. May be used by several threads.

    Args:
        folder: In whose `boxes` they are put; it is made with the first of them. What lies there
            already, of a server before, is taken up.

    Raises:
        ConvlensError: The JSON that is there cannot be read.
    """

    def __init__(self, folder: TeachingFolder) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._pictures: dict[str, TaughtPicture] = {}
        self._classes: list[str] = []
        self._bytes = 0
        if folder.kept:
            self._read(folder.kept / "boxes")

    def state(self) -> BoxesToTeach:
        """Every picture with its boxes."""
        with self._lock:
            return BoxesToTeach(classes=self._classes, pictures=list(self._pictures.values()))

    def path(self, name: str) -> Path:
        """A picture's file. Raises `Problem` (404)."""
        path = self._file(self._picture(name))
        if not path.is_file():
            raise not_found("the picture's file has gone from the server's disk")
        return path

    def add(self, sources: Sequence[Source]) -> AddedPictures:
        """Add encoded pictures; one that is there already stays, with its boxes.

        Raises:
            Problem: They are too many or too large (413), or cannot be written (507).
        """
        added, refused = [], []
        with self._lock:
            for source in sources:
                try:
                    data = source.read()
                    picture = _taught(f"{content_hash(data).hex()[:24]}.{file_ending(data)}", data)
                except PictureError as error:
                    refused.append(RefusedPicture(name=source.name, error=str(error)))
                    continue
                if picture.name not in self._pictures:
                    check_room(self._bytes + len(data), len(self._pictures) + 1)
                    folder = self.folder.subfolder("boxes/images")
                    with no_place("it cannot be written"):
                        write_whole(folder / picture.name, data)
                    self._pictures[picture.name] = picture
                    self._bytes += len(data)
                added.append(self._pictures[picture.name])
        return AddedPictures(added=added, refused=refused)

    def draw(self, name: str, boxes: Sequence[DrawnBox] | None) -> TaughtPicture:
        """Put these boxes in the place of a picture's; None: nobody knows what it shows.

        Raises:
            Problem: There is no such picture (404), a box or label that cannot be (422), or the
                boxes cannot be written (507).
        """
        with self._lock:
            picture = self._picture(name)
            checked = None if boxes is None else [
                _checked(box, number, picture) for number, box in enumerate(boxes)
            ]  # fmt: skip
            picture = picture.model_copy(update={"boxes": checked})
            self._write({**self._pictures, name: picture})
            return picture

    def remove(self, name: str) -> TaughtPicture:
        """Remove a picture and its boxes. Raises `Problem` (404 or 507)."""
        with self._lock:
            picture = self._picture(name)
            self._write({key: other for key, other in self._pictures.items() if key != name})
            path = self._file(picture)
            self._bytes -= path.stat().st_size if path.exists() else 0
            path.unlink(missing_ok=True)
            return picture

    def looked_at(self) -> list[TaughtPicture]:
        """Those of which it is known what they show."""
        return [picture for picture in self.state().pictures if picture.boxes is not None]

    def _picture(self, name: str) -> TaughtPicture:
        if name not in self._pictures:
            raise not_found("there is no such picture to draw boxes in")
        return self._pictures[name]

    def _file(self, picture: TaughtPicture) -> Path:
        return self.folder.path / "boxes" / "images" / picture.name

    def _write(self, pictures: dict[str, TaughtPicture]) -> None:
        """Write the JSON, and remember what it says."""
        shown = [picture for picture in pictures.values() if picture.boxes is not None]
        labels = dict.fromkeys(box.label for picture in shown for box in picture.boxes or ())
        classes = [label for label in self._classes if label in labels]
        classes += [label for label in labels if label not in self._classes]
        path = self.folder.subfolder("boxes") / "annotations.json"
        with no_place("the boxes cannot be written"):
            if shown:
                write_whole(path, json.dumps(_coco(shown, classes), ensure_ascii=False))
            else:
                path.unlink(missing_ok=True)
        self._pictures, self._classes = pictures, classes

    def _read(self, folder: Path) -> None:
        """Take up what is there: pictures with boxes first, then those that nobody looked at."""
        catalog = read_boxes(folder) if (folder / "annotations.json").exists() else None
        for row, source in enumerate(catalog.sources if catalog else ()):
            assert catalog is not None  # noqa: S101
            name, (width, height) = Path(source.name).name, catalog.seen_size(row)
            boxes = [
                DrawnBox(
                    label=catalog.classes[label], left=left, top=top, right=right, bottom=bottom
                )
                for label, (left, top, right, bottom) in zip(
                    catalog.boxes[row].labels.tolist(),
                    catalog.boxes[row].xyxy.tolist(),
                    strict=True,
                )
            ]
            self._pictures[name] = TaughtPicture(name=name, width=width, height=height, boxes=boxes)
        self._classes = list(catalog.classes) if catalog else []
        for path in sorted((folder / "images").glob("*.*")):
            self._bytes += path.stat().st_size
            if path.name not in self._pictures:
                try:
                    self._pictures[path.name] = _taught(path.name, path.read_bytes())
                except PictureError:  # nothing that was put here by a server
                    continue


def _taught(name: str, data: bytes) -> TaughtPicture:
    """A picture that nobody has looked at yet. Raises `PictureError`."""
    width, height, orientation = head_of(data)
    if orientation >= SIDEWAYS:
        width, height = height, width
    return TaughtPicture(name=name, width=width, height=height, boxes=None)


def _checked(box: DrawnBox, number: int, picture: TaughtPicture) -> DrawnBox:
    """A box with its label in the form that it has everywhere. Raises `Problem` (422)."""
    label = checked_label(box.label)
    inside = min(box.left, box.top) >= 0 and box.right <= picture.width
    if not inside or box.bottom > picture.height:
        detail = f"it is not within the picture's {picture.width}×{picture.height} pixels"
    elif min(box.right - box.left, box.bottom - box.top) < MIN_SIDE:
        detail = f"it has less than {MIN_SIDE} pixels a side"
    else:
        return box.model_copy(update={"label": label})
    raise Problem(422, "Not a box", detail=f"box {number}: {detail}")


def _coco(pictures: Sequence[TaughtPicture], classes: Sequence[str]) -> dict[str, object]:
    """COCO's record of pictures with boxes."""
    numbers = {label: number for number, label in enumerate(classes, 1)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image, picture in enumerate(pictures, 1):
        size = {"width": picture.width, "height": picture.height}
        images.append({"id": image, "file_name": picture.name, **size})
        for box in picture.boxes or ():
            width, height = round(box.right - box.left, 6), round(box.bottom - box.top, 6)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": numbers[box.label],
                    "bbox": [box.left, box.top, width, height],
                    "area": round(width * height, 6),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    return {"images": images, "annotations": annotations, "categories": categories}
