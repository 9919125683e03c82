"""Would more pictures help: the curve is what it says, and goes on as it began."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import curve_fit

from convlens.cli import main
from convlens.inspection.learning_curve import extrapolated, learning_curve, power_law
from convlens.transfer.head import FeatureSet
from helpers import needs_weights, save_shapes

pytestmark = pytest.mark.trains

COUNTS = [100, 200, 400, 800, 1600]


@pytest.mark.parametrize(("a", "b", "c"), [(0.02, 0.3, 0.5), (0.0, 0.2, 1.0), (0.1, 0.0, 1.0)])
def test_a_power_law_is_continued_exactly(a: float, b: float, c: float) -> None:
    def law(n: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        out: np.ndarray = a + b * (n / 100) ** -c
        return out

    n = np.array(COUNTS, float)
    errors = law(n, a, b, c)
    found = power_law(COUNTS, errors, [3200, 6400])
    assert found == pytest.approx(law(np.array([3200.0, 6400.0]), a, b, c), abs=2e-3)
    if b:  # and as scipy's own fitting has it
        bounds = ((0, 0, 0), (1, 1, 2))
        theirs, _ = curve_fit(law, n, errors, (0.01, 0.2, 0.7), errors**0.5, bounds=bounds)
        assert found[0] == pytest.approx(law(np.array([3200.0]), *theirs)[0], abs=2e-3)


def test_the_interval_covers_what_comes() -> None:
    covered = 0
    for seed in range(25):
        random = np.random.default_rng(seed)
        share = 0.03 + 0.3 * (np.array([*COUNTS, 3200]) / 100) ** -0.6
        wrong = (random.random((1500, 1)) < share[None, :-1]).astype(float)
        low, high = extrapolated(COUNTS, wrong, seed=seed).expected[0].interval
        covered += low <= share[-1] <= high
    assert covered >= 21


def test_whether_more_help() -> None:
    random = np.random.default_rng(0)
    falling = random.random((3000, 1)) < 0.4 * (np.array(COUNTS) / 100) ** -0.5
    flat = random.random((3000, 1)) < np.full(5, 0.2)
    assert extrapolated(COUNTS, falling.astype(float)).helps
    assert not extrapolated(COUNTS, flat.astype(float)).helps


def test_a_curve_of_features_falls_to_what_is_possible() -> None:
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (600,), generator=random)
    features = torch.randn(600, 1, 20, generator=random)
    features[:, :, 0] += 1.5 * (2 * labels[:, None] - 1)
    told: list[tuple[int, int]] = []
    curve = learning_curve(
        FeatureSet((features,), labels, groups=torch.arange(600)),
        2,
        progress=lambda _, done, total: told.append((done, total)),
    )
    assert [point.pictures for point in curve.measured] == [30, 60, 120, 240, 480]
    assert told[-1] == (25, 25)
    best = 0.0668  # of the normal distribution, beyond 1.5 deviations
    assert curve.measured[0].error > curve.measured[-1].error
    assert curve.measured[-1].error == pytest.approx(best, abs=0.035)
    assert all(point.interval[0] <= point.error <= point.interval[1] for point in curve.measured)


def test_groups_are_not_parted_by_draws() -> None:
    # pairs of the same picture: were they parted, memory would make the error zero
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (200,), generator=random).repeat_interleave(2)
    features = torch.randn(200, 1, 300, generator=random).repeat_interleave(2, 0)
    curve = learning_curve(FeatureSet((features,), labels, groups=torch.arange(400) // 2), 2)
    assert curve.measured[-1].error > 0.35


def test_inspect_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_weights()
    shapes = save_shapes(tmp_path / "p", 30)
    assert main(["inspect", str(shapes), "--more"]) == 0
    printed = capsys.readouterr().out
    assert "would more pictures help?" in printed
    assert "twice as many would spare" in printed
    curves = []
    for seed in ("0", "3"):
        assert main(["inspect", str(shapes), "--more", "--json", "--seed", seed]) == 0
        curves.append(json.loads(capsys.readouterr().out)["more"])
    assert curves[0] != curves[1]
    found = curves[0]
    assert found["expected"][0]["pictures"] == 2 * found["measured"][-1]["pictures"]


def test_points_tell_how_many_pictures_were_learnt_from() -> None:
    """Of many classes one each is drawn at least, so small draws are larger than asked."""
    labels = torch.arange(60).repeat_interleave(5)
    features = torch.nn.functional.one_hot(labels, 60).float()[:, None]
    curve = learning_curve(FeatureSet((features,), labels, groups=torch.arange(300)), 60)
    counts = [point.pictures for point in curve.measured]
    assert counts == sorted(set(counts))
    assert counts[0] >= 60
