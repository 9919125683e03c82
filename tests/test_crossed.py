"""Nested cross-validation: figures that come true, and a detector that learnt from everything."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedGroupKFold

from conftest import save_shapes
from convlens import Detector, train
from convlens.errors import UsageError
from convlens.training.crossed import answer_crossed
from convlens.training.frozen import FrozenStart
from convlens.training.head import STRENGTHS, Side, folds
from convlens.training.options import AnswerOptions
from test_pretrained import needs_weights


def drawn(count: int, seed: int, features: int = 60) -> Side:
    """Two classes that one feature of many tells apart, by and large."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=random)
    made = torch.randn(count, 1, features, generator=random)
    made[:, :, 0] += 1.2 * (2 * labels[:, None] - 1)
    return Side(made, labels, torch.arange(count))


def started(side: Side) -> FrozenStart:
    nothing, unknown = side.take(side.labels < 0), dict.fromkeys(STRENGTHS, 0.0)
    start = FrozenStart(side, nothing, 2, torch.ones(2), unknown, 0)
    return start.of(side.labels >= 0)


def test_folds_are_those_of_scikit_learn_and_keep_groups() -> None:
    random = np.random.default_rng(0)
    labels, groups = random.integers(0, 3, 90), random.integers(0, 40, 90)
    fold = folds(torch.from_numpy(labels), torch.from_numpy(groups), 7).numpy()
    made = StratifiedGroupKFold(5, shuffle=True, random_state=7).split(labels, labels, groups)
    for number, (_, judged) in enumerate(made):
        assert set(np.where(fold == number)[0]) == set(judged)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_folds_of_hardly_any_pictures(count: int) -> None:
    fold = folds(torch.arange(count) % 2, torch.arange(count), 0)
    assert len(fold) == count


def test_crossed_figures_come_true_on_new_pictures() -> None:
    claimed, true = [], []
    for seed in range(6):
        start = started(drawn(80, seed))
        p, called = answer_crossed(start, 5, AnswerOptions(), ("a", "b"))
        claimed.append((called == start.train.labels.numpy()).mean())
        new = drawn(2000, 100 + seed)
        answers = start.head_of_all().logits(new.features.mean(1)).argmax(1)
        true.append((answers == new.labels).float().mean().item())
        assert p.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.mean(claimed) == pytest.approx(np.mean(true), abs=0.05)
    assert np.mean(claimed) < np.mean(true) + 0.02  # at worst too modest, as folds learn from less


def test_nothing_can_be_learnt_from_noise() -> None:
    side = drawn(100, 0)
    noise = Side(torch.randn(100, 1, 60), side.labels, side.together)
    _, called = answer_crossed(started(noise), 5, AnswerOptions(), ("a", "b"))
    assert 0.3 < (called == side.labels.numpy()).mean() < 0.7


def test_few_pictures_are_all_judged_and_all_learnt(tmp_path: Path) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 30)
    run = train(tmp_path / "p", tmp_path / "r", size=64, seed=1)
    assert run.metrics["folds"] == 5
    assert run.metrics["pictures"] == {"train": {"cross": 30, "disc": 30}}
    assert run.metrics["test"]["n"] == 60
    assert run.metrics["test"]["accuracy"] >= 0.7
    with (run.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == 60
    right = np.mean([row["called"] == row["label"] for row in rows])
    assert right == run.metrics["test"]["accuracy"]
    page = (run.folder / "report.html").read_text()
    assert "learnt from all of them" in page
    assert "--folds 5" in page


def test_a_crossed_detector_can_be_unsure(tmp_path: Path) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 30)
    run = train(tmp_path / "p", tmp_path / "r", size=64, coverage=0.5)
    assert 0.2 < run.metrics["test"]["coverage"] < 0.8
    assert Detector(run.detector).rule.aim == "coverage 0.5"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"weights": "none"}, "for pretrained features"),
        ({"steps": 5}, "no steps to take"),
    ],
)
def test_what_folds_cannot_do_is_said(
    shapes: Path, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    needs_weights()
    with pytest.raises(UsageError, match=says):
        train(shapes, tmp_path / "r", folds=3, size=32, **options)
