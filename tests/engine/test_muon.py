"""Muon, against singular value decomposition and timm's own."""

import copy
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement
from timm.optim import muon as timms_muon
from torch import Tensor, nn

from convlens.engine import muon
from convlens.engine.optimizers import make_optimizer
from convlens.options import OptimizerOptions


def test_muon_moves_filters_in_every_direction_alike() -> None:
    random = torch.Generator().manual_seed(0)
    filters = nn.Parameter(torch.zeros(24, 5, 3, 3))
    filters.grad = (
        torch.randn(24, 5, 3, 3, generator=random) * torch.logspace(0, -2, 24)[:, None, None, None]
    )
    gradient = filters.grad.flatten(1)
    make_optimizer(OptimizerOptions(optimizer="auto", learning_rate=0.01), [filters]).step()
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    moved = -filters.detach().flatten(1) / (0.01 * 0.2 * 45**0.5)  # Liu et al. 2025, eq. 4
    assert nn.functional.cosine_similarity(moved.flatten(), (left @ right).flatten(), 0) > 0.97
    values = torch.linalg.svdvals(moved)
    assert values.min() > 0.5
    assert values.max() < 1.4


@pytest.mark.parametrize("shape", [(24, 300), (300, 24), (64, 64)])
def test_orthogonal_keeps_directions_and_evens_out_lengths(
    shape: tuple[int, int],
) -> None:
    random = torch.Generator().manual_seed(0)
    left, values, right = torch.linalg.svd(
        torch.randn(*shape, generator=random), full_matrices=False
    )
    values = torch.logspace(0, -3, len(values))
    matrix = left @ values.diag() @ right
    wanted = values / values.norm()
    for a, b, c in muon.STEPS:
        wanted = a * wanted + b * wanted**3 + c * wanted**5
    found = muon.orthogonal(matrix)
    error = (found - left @ wanted.diag() @ right).norm() / found.norm()
    assert error < 1e-3


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_moves_as_timms_does(layout: torch.memory_format) -> None:
    def moved(make: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]) -> list[Tensor]:
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 16, 3), nn.Conv2d(16, 8, 3, groups=8), nn.Flatten(), nn.Linear(128, 10)
        ).to(memory_format=layout)
        before = copy.deepcopy(module)
        optimizer = make([{"params": list(module.parameters()), "weight_decay": 0.1}])
        module(torch.randn(64, 3, 8, 8)).square().mean().backward()
        optimizer.step()
        return [a - b for a, b in zip(module.parameters(), before.parameters(), strict=True)]

    ours = moved(lambda groups: muon.Muon(groups, 0.02))
    theirs = moved(lambda groups: timms_muon.Muon(groups, 0.02, nesterov=True))
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).norm() < 0.05 * b.norm()


def test_only_timm_with_the_muon_that_ours_builds_on_is_allowed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]["train"]
    (timm,) = (r for r in map(Requirement, extras) if r.name == "timm")
    assert "1.0.20" not in timm.specifier  # without Muon
    assert "1.1" not in timm.specifier  # not seen yet
    assert version("timm") in timm.specifier
