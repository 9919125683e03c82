"""What validation pictures decide: which parameters are kept, and their temperature."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from convlens.engine.model_selection import MIN_VAL_EXAMPLES, ModelSelection, clearly_lower
from convlens.tasks.classification.calibration import PRIOR, fit_temperature


def test_clearly_lower_is_a_paired_t_above_one() -> None:
    random = np.random.default_rng(0)
    for shift in (-0.3, 0.0, 0.05, 0.1, 0.3):
        a, b = random.normal(0, 1, 60), random.normal(-shift, 0.5, 60)
        t = stats.ttest_rel(a, b).statistic
        assert clearly_lower(torch.from_numpy(b), torch.from_numpy(a)) is bool(t > 1)
    few = torch.arange(MIN_VAL_EXAMPLES - 1.0)
    assert clearly_lower(few, few + 1) is False  # so few cannot tell


@pytest.mark.parametrize(
    ("pretrained", "scale", "wanted"),
    [
        # clearly below the first, and lower than what is kept
        (True, 0.01, [True, False, True, False, False, True]),
        # hard for the first: lower is enough
        (True, 1.0, [True, False, True, False, False, True]),
        # from random parameters: not clearly above the lowest
        (False, 1.0, [True, False, True, True, False, True]),
    ],
)
def test_which_parameters_are_kept(pretrained: bool, scale: float, wanted: list[bool]) -> None:
    selection = ModelSelection(pretrained)
    noise = torch.randn(MIN_VAL_EXAMPLES, generator=torch.Generator().manual_seed(0))
    first = 1 + noise.square()
    kept, cost = [], None
    for costs in (first, first + 0.2, first - 0.2, first - 0.19 + noise, first + 0.1, first - 0.3):
        kept.append(selection.accepts(scale * costs, cost))
        if kept[-1]:
            cost = scale * costs.mean().item()
    assert kept == wanted


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_fine_tuning_that_may_have_helped_is_taken_where_features_are_hard(scale: float) -> None:
    selection = ModelSelection(pretrained=True)
    noise = torch.randn(MIN_VAL_EXAMPLES, generator=torch.Generator().manual_seed(0))
    noise -= noise.mean()
    first = 1 + noise.square()
    assert selection.accepts(scale * first, None)
    cost = scale * first.mean().item()
    assert selection.accepts(scale * (first - 0.01 + noise), cost) is (scale == 1.0)
    assert not selection.accepts(scale * (first + 0.01 + noise), cost)


def test_the_temperature_is_the_one_of_lowest_cost() -> None:
    random = np.random.default_rng(0)
    labels = torch.from_numpy(random.integers(0, 3, 200))
    sure = torch.from_numpy(random.normal(size=(200, 3))).float()
    sure[torch.arange(200), labels] += 1.0

    for factor in (0.3, 1.0, 5.0):
        # the slope there, by torch's own derivative, is 0
        power = torch.tensor(np.log(fit_temperature(factor * sure, labels)), requires_grad=True)
        logits = (factor * sure).double() / power.exp()
        total = nn.functional.cross_entropy(logits, labels, reduction="sum")
        (total + (power / PRIOR) ** 2 / 2).backward()  # type: ignore[no-untyped-call]
        assert power.grad is not None
        assert abs(power.grad.item()) < 0.01
    assert fit_temperature(sure[:0], labels[:0]) == pytest.approx(1, abs=1e-6)
    right = torch.eye(3)[torch.tensor([0, 1, 2])] * 4
    assert 0.3 < fit_temperature(right, torch.tensor([0, 1, 2])) < 1  # not as good as certain
