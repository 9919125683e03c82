"""Strangeness: pictures of neither class stand out, those of the classes do not."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from convlens import Detector, train
from convlens.cli import main
from convlens.transfer.ood import DIRECTIONS, fit_strangeness
from helpers import needs_weights, save_shapes

pytestmark = [pytest.mark.usefixtures("spared"), pytest.mark.trains]


def clouds(count: int, seed: int, apart: float = 0.0) -> torch.Tensor:
    """Points of a low-dimensional cloud in many dimensions, or away from it."""
    random = np.random.default_rng(seed)
    basis = np.random.default_rng(0).normal(size=(10, 200))
    points = random.normal(size=(count, 10)) @ basis + 0.3 * random.normal(size=(count, 200))
    points += apart * random.normal(size=(count, 200))
    return torch.from_numpy(points.astype(np.float32))


def test_it_is_what_principal_components_leave_over() -> None:
    features = clouds(400, 1)
    made = fit_strangeness(features, torch.arange(400), seed=0)
    oracle = PCA(DIRECTIONS, svd_solver="full").fit(features.numpy())
    new = clouds(50, 2).numpy()
    rest = new - oracle.inverse_transform(oracle.transform(new))
    wanted = np.linalg.norm(rest, axis=1) / made.unit.item()
    assert made(torch.from_numpy(new)).numpy() == pytest.approx(wanted, rel=1e-3)


def test_one_picture_in_a_hundred_like_the_learnt_ones_is_strange() -> None:
    shares = []
    for seed in range(5):
        made = fit_strangeness(clouds(500, 10 + seed), torch.arange(500), seed=0)
        shares.append((made(clouds(4000, 100 + seed)) > 1).float().mean().item())
        assert (made(clouds(200, 200 + seed, apart=0.3)) > 1).float().mean() > 0.5
    assert 0.003 < np.mean(shares) < 0.025


@pytest.mark.parametrize("count", [2, 3, 5])
def test_hardly_any_pictures_are_enough_not_to_fail(count: int) -> None:
    made = fit_strangeness(clouds(count, 1), torch.arange(count), seed=0)
    assert torch.isfinite(made(clouds(3, 2))).all()


def test_a_detector_tells_strangers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 40)
    run = train(tmp_path / "p", tmp_path / "r", size=64, seed=1, coverage=0.9)
    detector = Detector(run.detector)
    (tmp_path / "q").mkdir()
    for number in range(10):  # stripes: neither disc nor cross
        rows = np.arange(48)[:, None, None] // (number + 2) % 2 * 255
        pixels = np.broadcast_to(rows, (48, 48, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "q" / f"{number}.png")
    known = list(detector.predict_many(tmp_path / "p"))
    strangers = list(detector.predict_many(tmp_path / "q"))
    assert np.mean([one.strange for one in known]) <= 0.1
    assert np.mean([one.strange for one in strangers]) >= 0.8
    assert all(one.predicted == "unsure" for one in strangers if one.strange)
    odd = next(one for one in strangers if one.strange)
    assert main(["predict", str(run.detector), odd.name]) == 0
    assert "strange: unlike" in capsys.readouterr().out
    assert main(["predict", str(run.detector), odd.name, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["strangeness"] == pytest.approx(odd.strangeness)


def test_pictures_of_one_group_have_a_measure_too() -> None:
    """By folds that part the group: without any, everything would be strange."""
    made = fit_strangeness(clouds(400, 1), torch.zeros(400, dtype=torch.int64), seed=0)
    assert (made(clouds(400, 3)) > 1).float().mean() < 0.05
