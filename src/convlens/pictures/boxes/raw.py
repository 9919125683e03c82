"""What a form's files say, before it is held against the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..catalog import natural_key
from ..label import normal_label
from ..source import Source
from .boxes import Fault, place_of


@dataclass(kw_only=True)
class RawPicture:
    """A picture and its objects as they are written: four numbers each, whatever they mean.

    `size` is width and height as the labels say, if they do. `labelled` is False where nothing was
    said of it at all.
    """

    source: Source
    file: str
    split: str | None = None
    group: str | None = None
    size: tuple[int, int] | None = None
    labelled: bool = True
    notes: dict[str, Any] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    values: list[Sequence[float]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    extras: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        place: int,
        label: str,
        values: Sequence[float],
        *,
        crowd: bool = False,
        difficult: bool = False,
        extras: dict[str, Any] | None = None,
    ) -> None:
        """Append an object.

        `extras` may hold, in the values' units, a `segmentation`, which is outlines, `keypoints`,
        which are x, y and how visible each, and an `area`.
        """
        self.places.append(place)
        self.labels.append(label)
        self.values.append(values)
        self.crowd.append(crowd)
        self.difficult.append(difficult)
        self.extras.append(extras or {})


@dataclass(kw_only=True)
class RawSet:
    """All that was read, and what the form says of its numbers.

    `units`, `corners` and `origin` are words of `Reading`; of `corners` all that may be meant, and
    None where the numbers are to tell.
    """

    form: str
    root: Path
    unit: str
    units: str | None
    corners: tuple[str, ...]
    origin: str | None
    pictures: list[RawPicture] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    spellings: dict[str, set[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)

    def name_class(self, text: str, number: int | None = None) -> str:
        """Note that there is a class, and give its name the form that labels have everywhere."""
        name = normal_label(text) or "?"
        self.spellings.setdefault(name, set()).add(text)
        if name not in self.classes:
            free = max(self.classes.values(), default=-1) + 1
            self.classes[name] = free if number is None else number
        return name

    def leave_out(self, picture: RawPicture, place: int, what: str) -> None:
        """Note an object that cannot be read."""
        where = place_of(picture.file, self.unit, place)
        self.faults.append(Fault("unreadable", where, what, picture.source))

    def skip(self, name: str, reason: str) -> None:
        """Note a file that is left out."""
        self.skipped.append((name, reason))

    def sort_classes(self) -> None:
        """Bring the classes, which the form only names in passing, into natural order."""
        names = sorted(self.classes, key=natural_key)
        self.classes = {name: number for number, name in enumerate(names)}
