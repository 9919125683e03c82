"""What an inspection says, as values."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..html_table import html_list, html_table
from .classes import ClassRow
from .findings import Finding

if TYPE_CHECKING:
    from .box_errors import BoxIssue
    from .label_errors import LabelIssue
    from .learning_curve import LearningCurve


@dataclass(frozen=True)
class Inspection:
    """What there is, and what is wrong with it.

    `boxes` is how many boxes there are and `form` how they are written; both are None where
    pictures have one class each. `labels` are those that are probably wrong, and `box_labels` boxes
    that are or that are missing, the surest first; `more` is what more pictures would bring. They
    are None where they were not asked for.
    """

    pictures: int
    classes: tuple[ClassRow, ...]
    _: KW_ONLY
    findings: tuple[Finding, ...]
    boxes: int | None = None
    form: str | None = None
    labels: tuple["LabelIssue", ...] | None = None
    box_labels: tuple["BoxIssue", ...] | None = None
    more: "LearningCurve | None" = None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)

    def summary(self) -> str:
        """How much there is, in a sentence."""
        what = f"{self.pictures:,} pictures"
        if self.boxes is not None:
            what += f" with {self.boxes:,} boxes ({self.form})"
        classes = len({row.label for row in self.classes})
        return f"{what} of {'1 class' if classes == 1 else f'{classes:,} classes'}"

    def _repr_html_(self) -> str:
        """For notebooks: the classes, and what is wrong with the pictures."""
        heads, rows = self.table(self.classes)
        found = [f"{finding.what} → training {finding.training}" for finding in self.findings]
        return html_table(heads, rows) + html_list(
            found or ["nothing is wrong that can be seen without training"]
        )

    def table(self, classes: Sequence[ClassRow]) -> tuple[list[str], list[list[str]]]:
        """The headings and the rows of a table of some of the classes."""
        counts = ["boxes"] if self.boxes is not None else []
        sides = ["smallest object" if counts else "smallest side", "median", "largest"]
        rows = [
            [row.split, row.label]
            + ([f"{row.boxes:,}"] if row.boxes is not None else [])
            + [f"{n:,}" for n in (row.pictures, row.smallest, row.median, row.largest)]
            for row in classes
        ]
        return ["split", "class", *counts, "pictures", *sides], rows
