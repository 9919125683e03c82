"""The objects in one picture, and a data set of such pictures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeGuard

import numpy as np
import numpy.typing as npt

from ..catalog import PictureTable
from ..source import Source

Corners = npt.NDArray[np.float64]
"""Boxes [n, 4] as left, top, right, bottom."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Boxes:
    """The n objects in one picture, as parallel columns.

    `xyxy` [n, 4] are left, top, right and bottom in pixels of the picture as it is seen (upright,
    as `decode` gives it), counted from 0 at the picture's left and upper edges, within the picture
    and not empty. `labels` [n] are indices into the data set's classes. `crowd` [n] marks a box
    around many objects, which cannot be learnt as one; `difficult` [n] what is not counted when
    detectors are judged. `places` [n] say where in `file` each one stands, counted in its `unit`;
    `extras` hold what else the data says of each, and are empty where it says nothing of any.
    """

    xyxy: Corners
    labels: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_]
    difficult: npt.NDArray[np.bool_]
    places: npt.NDArray[np.int64]
    extras: tuple[Mapping[str, Any], ...] = ()
    file: str = ""
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.xyxy)

    @property
    def areas(self) -> npt.NDArray[np.float64]:
        """In pixels [n]: those that the data says, as of an outline, or else those of the boxes."""
        areas: npt.NDArray[np.float64] = (self.xyxy[:, 2:] - self.xyxy[:, :2]).prod(1)
        for index, extras in enumerate(self.extras):
            if is_area(area := extras.get("area")):
                areas[index] = area
        return areas

    def where(self, index: int) -> str:
        """Where the data says so, as `labels/a.txt, line 3`."""
        return place_of(self.file, self.unit, int(self.places[index]))

    def beside(self, index: int) -> Mapping[str, Any]:
        """What else the data says of one."""
        return self.extras[index] if self.extras else {}


def is_area(value: Any) -> TypeGuard[float]:
    """Whether what the data says can be an area: a number, and neither below 0 nor without end."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18


def place_of(file: str, unit: str, number: int) -> str:
    """What to call a place in a file of labels."""
    return f"{file}, {unit} {number}"


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with one object, or with one picture's labels.

    `where` names file and line; `box` is the one concerned, in pixels of the picture as seen.
    """

    kind: str
    where: str
    what: str = ""
    source: Source | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class BoxCatalog(PictureTable):
    """Pictures with boxes, one row each.

    `boxes` are each picture's objects, none in a picture without any. `classes` are all names that
    the data has, in its order, and `numbers` how it counts them. `sizes` are width and height as
    stored, `orientations` EXIF's numbers, 1 to 8, by which a picture is turned until it is seen
    upright. `labelled` is False for a picture that no file says anything of, which by YOLO's
    convention has no objects. `notes` hold what else the data says of each picture, `record` of
    the whole. `faults` are what was wrong, whether mended or left out; `form` is how it is written.
    `lost` counts, by name, what is said of objects that cannot be moved to where they are seen.
    """

    boxes: tuple[Boxes, ...]
    classes: tuple[str, ...]
    numbers: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    orientations: tuple[int, ...]
    labelled: tuple[bool, ...]
    notes: tuple[Mapping[str, Any], ...]
    form: str
    record: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()
    lost: Mapping[str, int] = field(default_factory=dict)

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *PictureTable.COLUMNS,
        *("boxes", "sizes", "orientations", "labelled", "notes"),
    )

    def strata(self, row: int) -> tuple[str, ...]:
        """Each object's class, and the picture itself, so that splits share out both."""
        return (*(self.classes[label] for label in self.boxes[row].labels), "\0picture")

    def seen_size(self, row: int) -> tuple[int, int]:
        """Width and height of a picture as it is seen."""
        width, height = self.sizes[row]
        return (height, width) if self.orientations[row] >= SIDEWAYS else (width, height)

    def counts(self, *, crowds: bool = True) -> dict[str, int]:
        """Boxes per class, of all classes that are named; with those around crowds, or without."""
        counted = Counter(
            label
            for boxes in self.boxes
            for label in (boxes.labels if crowds else boxes.labels[~boxes.crowd]).tolist()
        )
        return {name: counted[index] for index, name in enumerate(self.classes)}


SIDEWAYS = 5
"""From this EXIF orientation on, width and height change places."""
