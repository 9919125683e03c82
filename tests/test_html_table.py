"""How results show themselves in notebooks: as tables in which nothing from outside is markup."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from convlens import Comparison, Inspection, NetworkComparison, describe_network
from convlens.efficiency.comparison import MeasuredNetwork
from convlens.evaluation.compare import Contender
from convlens.html_table import html_table
from convlens.inspection.classes import ClassRow
from convlens.inspection.findings import Finding
from convlens.pictures.source import BytesSource
from convlens.reasons.section import Case, Claim, Figure, Section, Table
from convlens.tasks.classification.evaluation import evaluate
from convlens.tasks.classification.prediction import Prediction

BAD = "<script>alert('é')</script>"


def contender(run: str, p: float | None) -> Contender:
    return Contender(
        run,
        0.9,
        accuracy_interval=(0.8, 0.95),
        only_this=1,
        only_best=2,
        p=p,
        megabytes=1.5,
        parameters=1000,
        multiplications=10_000,
        train_seconds=75.4,
        milliseconds=None,
    )


def measured(network: str, p: float | None) -> MeasuredNetwork:
    return MeasuredNetwork(
        network,
        "package",
        size=224,
        accuracy=0.9,
        accuracy_interval=(0.8, 0.95),
        balanced_accuracy=0.9,
        loss=0.1,
        milliseconds=2.0,
        megabytes=1.5,
        parameters=1000,
        multiplications=10_000,
        p=p,
    )


ROW = ClassRow("all", BAD, pictures=1234, smallest=8, median=9, largest=10)
PREDICTION = Prediction(BAD, np.array([0.4, 0.6], np.float32), labels=(BAD, "b"), class_index=1)
SECTION = Section(
    "arithmetic",
    BAD,
    claims=[Claim(BAD, "1,234", "holds", BAD)],
    tables=[Table(BAD, [BAD], rows=[[BAD]])],
    figures=[Figure(BAD, "<svg></svg>")],
    notes=[BAD],
)
RESULTS: dict[str, tuple[Any, str]] = {
    "comparison": (Comparison(9, (contender(BAD, None), contender("b", 0.01))), "is less accurate"),
    "networks": (
        NetworkComparison(
            "pictures",
            9,
            classes=("a", "b"),
            networks=(measured(BAD, None), measured("b", 0.5)),
            not_measured={BAD: BAD},
            finished=True,
        ),
        "0.5",
    ),
    "inspection": (
        Inspection(1234, (ROW,), findings=(Finding("copies", BAD, training=BAD),)),
        "1,234",
    ),
    "evaluation": (evaluate([(BAD, PREDICTION)], [BytesSource(BAD, b"")]), "60.0%"),
    "why": (Case("why", "convlens why", sections=[SECTION], folder=None), "1,234"),
    "network": (describe_network("conv 6 5x5, dense 9", size=32), "456"),
}


class Text(HTMLParser):
    """Text, and the tags around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


@pytest.mark.parametrize("name", RESULTS)
def test_results_show_themselves_as_text(name: str) -> None:
    result, says = RESULTS[name]
    shown = Text(result._repr_html_())
    assert "table" in shown.tags
    assert "script" not in shown.tags
    assert any(says in cell for cell in shown.cells)
    assert name == "network" or any(BAD in cell for cell in shown.cells)


def test_a_table_of_nothing_is_a_table() -> None:
    assert html_table((), ()) == "<table></table>"
    assert Text(html_table(["a", "b"], [[1, BAD]])).cells == ["a", "b", "1", BAD]
