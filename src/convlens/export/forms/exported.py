"""What an export came to: its proof, and the detector before and after."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

from .proof import Proof


@dataclass(frozen=True)
class Measured:
    """A detector on the pictures that decide."""

    accuracy: float
    """The share of right answers; of detectors of boxes, AP50."""
    megabytes: float
    milliseconds: float | None
    """The median for one picture on one core."""


@dataclass(frozen=True)
class Exported:
    """What was written, its proof, and the detector before and after.

    `split` says which pictures decide: those held out, `test`, or else `val` or `all`.
    `only_before` and `only_after` count those that only one of both gets right, and `p` is
    McNemar's exact test. Of detectors of boxes `measure` is AP50 instead of accuracy, they count
    objects, and `p` is a paired bootstrap's.
    """

    folder: str
    form: str
    _: KW_ONLY
    runtime: str
    proof: Proof
    split: str
    pictures: int
    measure: str
    before: Measured
    after: Measured
    only_before: int
    only_after: int
    p: float

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)
