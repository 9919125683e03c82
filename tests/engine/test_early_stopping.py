"""Fine-tuning that is far behind ends early, and comes to the same without anybody's deciding."""

from pathlib import Path

import pytest
import torch

from convlens.engine.checkpoint import Progress
from convlens.engine.early_stopping import EarlyStopping, is_lost
from convlens.engine.loop import Loop
from convlens.engine.model_selection import ModelSelection
from convlens.engine.step_plan import StepPlan, keep
from convlens.options import OptimizerOptions
from loops import loop


@pytest.mark.parametrize(
    ("costs", "done", "best_step", "lost"),
    [
        ((0.3, 0.8), 0.5, 0, True),
        ((0.3, 0.8), 0.3, 0, False),  # the rate is high still
        ((0.3, 0.8), 0.5, 4, False),  # it led before
        ((0.01, 0.07), 0.5, 0, False),  # seven times as much, of very little
        ((1.2, 1.5), 0.5, 0, False),  # much more, but not by far as a share
        ((0.3, 0.8, 0.4), 0.9, 0, False),
        ((None, None), 0.9, 0, False),
    ],
)
def test_it_is_lost_far_behind_after_the_highest_rates(
    costs: tuple[float | None, ...], done: float, best_step: int, lost: bool
) -> None:
    history = [{"cost_val": cost} for cost in costs]
    assert is_lost(Progress(best_step=best_step, history=history), done=done) == lost


def diverging(decided: list[StepPlan] | None) -> Loop:
    """Steps that make what there was worse and worse, measured after every third of 20."""
    made = loop(steps=20, held=60, optimizer=OptimizerOptions(optimizer="gd", learning_rate=3.0))
    made.pretrained, made.selection = True, ModelSelection(pretrained=True)
    if decided is not None:
        made.revise = EarlyStopping(keep, record=decided.append)
    return made


def test_it_ends_at_a_measurement_keeps_what_there_was_and_is_repeated(tmp_path: Path) -> None:
    decided: list[StepPlan] = []
    made = diverging(decided)
    begun = {name: value.clone() for name, value in made.ema_module.state_dict().items()}
    assert made.run(tmp_path)
    assert [plan.steps for plan in decided] == [9]  # the first measured one after 8
    assert made.progress.step == made.plan.steps == 9
    assert made.progress.best_step == 0
    assert all(torch.equal(made.best[name], value) for name, value in begun.items())
    again = diverging(None)
    again.plan = decided[0]
    assert again.run()
    assert [m["cost_val"] for m in again.progress.history] == [
        m["cost_val"] for m in made.progress.history
    ]
    resumed = diverging(decided)  # by the plan from before, as after a crash
    assert resumed.restore(tmp_path, print)
    assert resumed.run(tmp_path)
    assert resumed.progress.step == 9
