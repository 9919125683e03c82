"""Which pictures to label next: the least sure, no two alike, strange ones last."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import ImageEnhance

from convlens import Detector, Prediction, suggest
from convlens.cli import main
from convlens.errors import ConvlensError
from convlens.pictures.source import Source
from convlens.tasks.classification.prediction import margin
from helpers import photograph


class Sure:
    """A detector whose certainty is the number in a picture's name."""

    def predict_many(self, sources: Iterable[Source]) -> Iterator[Prediction]:
        for source in sources:
            stem = Path(source.name).stem.split("-")
            p = np.array([float(stem[0]), 1 - float(stem[0])], np.float32)
            strange = 2.0 if "strange" in stem else 0.1
            yield Prediction(source.name, p, labels=("a", "b"), class_index=0, strangeness=strange)


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    for number, stem in enumerate(("0.9", "0.55", "0.7", "0.2", "0.5-strange", "0.99")):
        photograph(number).save(folder / f"{stem}.png")
    ImageEnhance.Brightness(photograph(1)).enhance(1.1).save(folder / "0.56-again.jpg")
    return folder


def test_the_least_sure_come_first_and_copies_never(unlabelled: Path) -> None:
    detector = cast("Detector", Sure())
    found = [Path(one.name).stem for one in suggest(detector, unlabelled, count=10)]
    assert found == ["0.55", "0.7", "0.2", "0.9", "0.99", "0.5-strange"]
    assert [Path(one.name).stem for one in suggest(detector, unlabelled, count=2)] == found[:2]


def test_margin_is_between_the_two_best() -> None:
    assert margin(np.array([0.1, 0.5, 0.4], np.float32)) == pytest.approx(0.1)


def test_the_command_agrees_with_predict(
    run: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["suggest", str(run), str(shapes), "--count", "7", "--json"]) == 0
    named = json.loads(capsys.readouterr().out)
    every = {one.name: one for one in Detector(run).predict_many(shapes)}
    margins = {
        name: margin(one.probabilities)
        for name, one in every.items()
        if one.probabilities is not None
    }
    assert 1 <= len(named) <= 7
    assert [margins[one["name"]] for one in named] == sorted(margins[o["name"]] for o in named)
    assert margins[named[0]["name"]] == min(margins.values())
    assert main(["suggest", str(run), str(shapes), "--count", "7", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == [one["name"] for one in named]
    assert main(["suggest", str(run), str(shapes), "--count", "1"]) == 0
    assert named[0]["name"] in capsys.readouterr().out


def test_nothing_to_suggest_is_an_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no picture")
    with pytest.raises(ConvlensError, match="no picture"):
        suggest(run, tmp_path)
