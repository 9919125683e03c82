"""What a kind of answer has to bring, and the kinds that there are.

A detector file names its task. Whoever reads, evaluates or shows answers asks that task, and knows
none by name. To add one: a package beside this file, and a line in `TASKS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from ..errors import ConvlensError
from ..pictures.source import Source
from .answers import Evaluation, Prediction
from .shown import Explain, Grid, Report

if TYPE_CHECKING:
    from .comparing import Comparing

TASKS = {
    "classification": "classification.task:Classification",
    "boxes": "boxes.task:BoxTask",
}
"""Module and class of each task, imported when it is first asked for."""


class Task(Protocol):
    """A kind of answer. `classes` are the names of a detector's classes, in its outputs' order.

    How answers are learnt is each task's own: `training` beside it.
    """

    outputs: tuple[str, ...]
    """The ONNX outputs of which an answer is made; those after the first may be missing."""

    def read(self, pictures: str | Path, *, boxes: str | None = None) -> Any:
        """A data set's catalog, with what the task's answers are compared with.

        `boxes` are words that settle how boxes are written. Raises `ConvlensError`.
        """

    def truths(self, catalog: Any, classes: Sequence[str]) -> Sequence[Any]:
        """What is there in each of its pictures. Raises `ConvlensError` for an unknown class."""

    def fits(self, shapes: Mapping[str, Sequence[Any]], classes: Sequence[str]) -> bool:
        """Whether a file's outputs, with these shapes, batch first, are of this task."""

    def rule(self, data: Mapping[str, Any] | None, classes: Sequence[str]) -> Any:
        """How answers follow from outputs, from the file's metadata. Raises `ConvlensError`."""

    def predict(
        self,
        name: str,
        outputs: Sequence[npt.NDArray[Any]],
        *,
        classes: tuple[str, ...],
        rule: Any,
        error: str | None = None,
    ) -> Prediction:
        """The answer for one picture from its outputs, or, without any, the reason for none."""

    def evaluate(
        self,
        answers: Sequence[tuple[Any, Prediction]],
        sources: Sequence[Source],
        *,
        skipped: Sequence[tuple[str, str]] = (),
    ) -> Evaluation:
        """What answers, one or more, beside the truth come to."""

    def columns(self, classes: Sequence[str]) -> list[str]:
        """The headings of a table of answers."""

    def rows(self, prediction: Prediction) -> list[list[Any]]:
        """An answer's rows in it: one, or one for each object."""

    def lines(self, prediction: Prediction, top: int) -> list[str]:
        """An answer as lines for a terminal, with its `top` best."""

    def as_json(self, prediction: Prediction, top: int | None = None) -> dict[str, Any]:
        """An answer as plain data, with its `top` best, or all."""

    def comparing(self) -> "Comparing":
        """What comparing two detectors needs besides."""

    def summary(self, evaluation: Evaluation, *, rule: Any) -> Iterator[str | Grid]:
        """An evaluation of answers by a rule as lines and tables for a terminal."""

    def report(
        self,
        metrics: Mapping[str, Any],
        evaluation: "Evaluation | None",
        *,
        explain: Explain | None = None,
    ) -> Report:
        """A run's metrics.json, and the evaluation behind it, as a part of its report.

        `explain` draws over pictures what speaks for the answers to them.
        """


def task_named(name: str | None) -> Task:
    """The task of that name. Raises `ConvlensError` where there is none."""
    if name is None:
        raise ConvlensError("it does not say which task its answers are of")
    if name not in TASKS:
        raise ConvlensError(
            f"its task is {name!r}, and this version of convlens knows {', '.join(TASKS)}"
        )
    module, cls = TASKS[name].split(":")
    make: Callable[[], Task] = getattr(import_module(f".{module}", __package__), cls)
    return make()
