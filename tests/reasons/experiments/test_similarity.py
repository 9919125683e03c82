"""Linear CKA: what it must be the same for, what it must be 0 for, and against its definition."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from convlens import why
from convlens.errors import UsageError
from convlens.network.build import build
from convlens.network.spec import network
from convlens.reasons.experiments.similarity import beside, compare, linear_cka
from convlens.reasons.experiments.trained_run import TrainedRun
from networks import LECTURE


def test_turned_and_scaled_features_are_the_same_and_noise_is_not() -> None:
    torch.manual_seed(0)
    features, other = torch.randn(200, 40), torch.randn(200, 4000)
    turn = torch.linalg.qr(torch.randn(40, 40))[0]
    assert linear_cka(features, 3 * features @ turn + 5) == pytest.approx(1, abs=1e-6)
    assert abs(linear_cka(features, other)) < 0.05
    assert linear_cka(features, other) == pytest.approx(linear_cka(other, features))


def test_with_many_pictures_it_is_the_one_of_covariances() -> None:
    """Kornblith et al. (2019), equation 6: with many pictures the bias is gone."""
    random = np.random.default_rng(0)
    first = random.normal(size=(5000, 4))
    second = first @ random.normal(size=(4, 6)) + random.normal(size=(5000, 6))
    x, y = first - first.mean(0), second - second.mean(0)
    wanted = np.linalg.norm(y.T @ x) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    found = linear_cka(torch.from_numpy(first), torch.from_numpy(second))
    assert found == pytest.approx(wanted, abs=2e-3)


def test_layers_of_a_network_are_those_of_itself_and_less_of_another_seed() -> None:
    one, two = (build(network(LECTURE, 32, classes=2), seed) for seed in (0, 1))
    pictures = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    same = compare("same", (one, one), (pictures, pictures))
    assert same.cka == pytest.approx([1.0] * 4, abs=1e-3)
    other = compare("other", (one, two), (pictures, pictures))
    assert max(other.cka) < 0.999
    assert len(other.layers) == 4


def another(run: Path, folder: Path, line: str, size: int) -> TrainedRun:
    """A run's folder as it would be with another network, and random parameters."""
    shutil.copytree(run, folder)
    record = json.loads((run / "run.json").read_text())
    for part in ("plan", "network"):
        record[part] |= {"network": line, "size": size}
    (folder / "run.json").write_text(json.dumps(record))
    module = build(network(line, size, classes=2), 7)
    save_file(module.state_dict(), folder / "parameters.safetensors")
    return TrainedRun(folder, run.parent, progress=lambda *_: None)


def test_a_run_beside_others_is_less_like_them_the_later_the_layer(
    run: Path, shapes: Path, tmp_path: Path
) -> None:
    own = TrainedRun(run, shapes, progress=lambda *_: None)
    line = own.record["plan"]["network"]
    assert beside(own, own).cka == pytest.approx([1, 1], abs=1e-3)
    random = beside(own, another(run, tmp_path / "random", line, 24))
    assert random.what == f"{run.name} and random"
    assert random.cka[-1] < random.cka[0] - 0.1
    deeper = "conv 4 3x3 same, pool 2, conv 6 3x3 same, conv 8 3x3 same, gap"
    other = beside(own, another(run, tmp_path / "deeper", deeper, 32))
    assert len(other.cka) == 2
    assert other.layers[-1] == f"{random.layers[-1]} and 5"


def test_what_is_beside_has_to_be_a_run(run: Path, shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: it is no run's folder"):
        why(run, shapes, beside=tmp_path / "nowhere", section="sharing")
    with pytest.raises(UsageError, match="why RUN --pictures PICTURES"):
        why("resnet18", shapes, beside=run)
