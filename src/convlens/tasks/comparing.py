"""What a kind of answer brings for comparing two detectors on the same pictures."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt


class Difference(NamedTuple):
    """How far two answers to one picture are apart."""

    score: float
    """The largest difference of a probability or of a box's score."""
    pixels: float | None
    """The largest difference of a box's edge; None where answers have no boxes."""
    same: int
    """Answers that both give: the label, or boxes in nearly the same place."""
    of: int


class Paired(NamedTuple):
    """What two detectors are worth on the same pictures, and whether that is chance."""

    values: tuple[float, float]
    """Of `Comparing.measure`, from 0 to 1."""
    only: tuple[int, int]
    """How many pictures, or objects, only the first or only the second gets right."""
    p: float
    of: int
    """Pictures, or objects, in all."""


class Comparing(Protocol):
    """Compares by `measure`: accuracy, or AP50."""

    measure: str
    held_out: tuple[str, ...]
    """Parts of a run's pictures whose answers may be compared with another's."""
    tolerance: tuple[float, float]
    """How far probabilities or scores, and edges in pixels, may be apart where two detectors
    compute the same."""
    agreement: float
    """Least share of answers that such detectors have in common, though their resizes differ."""

    def difference(
        self, one: Sequence[npt.NDArray[Any]], other: Sequence[npt.NDArray[Any]]
    ) -> Difference:
        """Between the outputs of two detectors for one picture."""

    def paired(
        self, one: Sequence[tuple[Any, Any]], other: Sequence[tuple[Any, Any]], *, rule: Any
    ) -> Paired:
        """Which is better by their answers to the same pictures, each beside what is there."""

    def answers_csv(self, answers: Iterable[tuple[Any, Any]], classes: Sequence[str]) -> str:
        """Answers beside what is there, to the last digit: what `compare` reads of a run."""
