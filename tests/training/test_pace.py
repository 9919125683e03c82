"""A budget of time is kept by a clock that the test winds, and all that it decided is repeated."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from convlens import train
from convlens.detector.sessions.session import Session
from convlens.engine.loop import Loop
from convlens.engine.step_plan import StepPlan
from convlens.options import OptimizerOptions
from convlens.stopwatch import Stopwatch
from convlens.training.pace import Pace, TrainingTime
from helpers import SMALL, Convlens
from loops import SIZE, loop

STEPS = 200
Slowness = Callable[[int], float]
"""By how much a step takes longer than it was timed."""

SLOW: dict[str, Slowness] = {
    "as it was timed": lambda _: 1.0,
    "slower from the beginning": lambda _: 6.0,
    "slower from the middle on": lambda step: 1.0 if step < 100 else 5.0,
    "slower near the end": lambda step: 1.0 if step < 180 else 3.0,
    "faster": lambda _: 0.4,
    "now and then slower": lambda step: 4.0 if step % 50 < 20 else 1.0,
}


class Clock:
    """Stands still but for what the test lets take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for name in ("perf_counter", "monotonic"):
            monkeypatch.setattr(time, name, lambda: self.now)

    def takes(self, seconds: Callable[..., float], work: Callable[..., Any]) -> Callable[..., Any]:
        """The work, which takes so many seconds by its arguments."""

        def call(*words: Any, **named: Any) -> Any:
            self.now += seconds(*words)
            return work(*words, **named)

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def paced(clock: Clock, slower: Slowness, decided: list[StepPlan], **options: Any) -> Loop:
    """A training with everything in it that is random, timed at a second a step."""
    made = loop(
        "conv 4 3x3, norm, dropout 0.5, conv 6 3x3, gap",
        steps=STEPS,
        augmentations=frozenset({"hflip", "mixup", "cutmix"}),
        optimizer=OptimizerOptions(learning_rate=0.01),
        **options,
    )
    made.plan = StepPlan.of(STEPS, [(0.2, SIZE // 2, 0.5), (0.8, SIZE, 1.0)], measure_every=20)
    seconds = made.plan.seconds(STEPS)
    made.revise = Pace(
        TrainingTime(seconds + 10 * 2.0),
        measure_every=lambda steps, _: max(1, steps // 10),
        record=decided.append,
    )
    made.train_step = clock.takes(  # type: ignore[method-assign]
        lambda step: slower(step) * (0.5 if made.plan.size(step) < SIZE else 1.0), made.train_step
    )
    made.measure = clock.takes(lambda: 2.0, made.measure)  # type: ignore[method-assign]
    return made


def by_plan(clock: Clock, plan: StepPlan) -> Loop:
    """The same training without a clock."""
    made = paced(clock, SLOW["faster"], [])
    made.plan, made.revise = plan, lambda plan, _: plan
    return made


def assert_same(one: Loop, other: Loop) -> None:
    for name, value in one.best.items():
        assert torch.equal(value, other.best[name]), name
    learnt = [
        [
            (m["step"], m["cost_train"], m["cost_val"], m["learning_rate"])
            for m in made.progress.history
        ]
        for made in (one, other)
    ]
    assert learnt[0] == learnt[1]


@pytest.mark.parametrize("slower", SLOW)
def test_a_training_ends_in_time_however_fast_its_steps_become(clock: Clock, slower: str) -> None:
    decided: list[StepPlan] = []
    made = paced(clock, SLOW[slower], decided)
    begun, available = clock.now, 200.0
    assert made.run()
    assert clock.now - begun == pytest.approx(available, rel=0.1)
    assert bool(decided) == (slower != "as it was timed")
    # the schedule came to its end, and smaller pictures were as large a part of it
    assert made.plan.done(made.plan.steps) == pytest.approx(1)
    last, highest = made.progress.history[-1]["learning_rate"], max(made.learning_rates)
    assert last < 0.05 * highest
    assert made.plan.size(made.plan.steps - 1) == SIZE
    staged = next(step for step in range(made.plan.steps) if made.plan.size(step) == SIZE)
    assert made.plan.done(staged) == pytest.approx(0.2, abs=0.02)
    again = by_plan(clock, made.plan)
    assert again.run()
    assert_same(again, made)


def test_it_is_stopped_and_resumed_and_repeated_with_all_that_was_decided(
    clock: Clock, tmp_path: Path
) -> None:
    decided: list[StepPlan] = []
    made = paced(clock, SLOW["now and then slower"], decided)
    exploded: list[int] = []

    def explodes(work: Callable[[int], float], step: int) -> float:
        """At its 31st step, when that is taken for the first time."""
        loss = work(step)
        if step == 30 and not exploded:
            exploded.append(step)
            return float("nan")
        return loss

    made.train_step = partial(explodes, made.train_step)  # type: ignore[method-assign]
    assert not made.run(tmp_path / "a", stop=lambda: made.progress.step >= 60)
    assert exploded
    assert decided
    before = len(decided)
    clock.now += 1e6  # the time between does not count
    on = paced(clock, SLOW["slower from the beginning"], decided)
    on.plan = decided[-1]
    on.restore(tmp_path / "a", pytest.fail)
    begun, used = clock.now, on.progress.seconds
    assert on.run(tmp_path / "a")
    assert len(decided) > before
    assert clock.now - begun + used == pytest.approx(200, rel=0.1)
    exploded.clear()
    again = by_plan(clock, on.plan)
    again.train_step = partial(explodes, again.train_step)  # type: ignore[method-assign]
    assert again.run(tmp_path / "b")
    assert_same(again, on)


def test_by_default_there_are_never_more_steps_than_planned(clock: Clock) -> None:
    decided: list[StepPlan] = []
    made = paced(clock, SLOW["faster"], decided)
    made.revise = Pace(
        TrainingTime(200.0, most_steps=STEPS), measure_every=lambda *_: 20, record=decided.append
    )
    made.run()
    assert made.progress.step == STEPS
    assert not decided


@pytest.mark.trains
@pytest.mark.usefixtures("spared")
@pytest.mark.parametrize("folds", [1, 2])
def test_a_budget_of_time_is_kept(
    clock: Clock,
    convlens: Convlens,
    shapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folds: int,
) -> None:
    """The whole of a run ends in time, on a machine that becomes slower, and can be repeated."""
    taken: list[int] = []

    def seconds(_: Loop, step: int) -> float:
        taken.append(step)
        return 0.2 if len(taken) < 30 else 1.0

    monkeypatch.setattr(Loop, "train_step", clock.takes(seconds, Loop.train_step))
    monkeypatch.setattr(Session, "run", clock.takes(lambda *_: 0.02, Session.run))
    begun, minutes = clock.now, 2.0
    options = {**SMALL, "minutes": minutes, "folds": folds, "weights": "none", "threads": 1}
    stopwatch = Stopwatch(lambda: clock.now)
    run = train(shapes, tmp_path / "run", stopwatch=stopwatch, **options)
    assert 0.85 * 60 * minutes < clock.now - begun < 1.1 * 60 * minutes
    record = json.loads((run.folder / "run.json").read_text())
    plans = [record["plan"]["steps"], *record["plan"]["fold_steps"]]
    assert any(len(plan["phases"]) > 1 for plan in plans)
    done = convlens("train", "--repeat", run.folder, "--out", tmp_path / "again", "--quiet")
    assert done.returncode == 0, done.stderr
    for name in ("detector.onnx", "predictions.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run.folder / name).read_bytes()
    again = json.loads((tmp_path / "again" / "run.json").read_text())
    assert again["plan"] == {**record["plan"], "time": None}
