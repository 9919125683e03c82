"""Linear CKA: what it must be the same for, what it must be 0 for, and against its definition."""

import numpy as np
import pytest
import torch

from convlens.network.build import build
from convlens.network.spec import network
from convlens.reasons.experiments.similarity import compare, linear_cka
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
