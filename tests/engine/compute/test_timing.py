"""The fastest of some turns and the stages of a step, by a clock that the test winds."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from convlens.engine.compute.timing import Throughput, fastest_turns
from convlens.stopwatch import Stopwatch
from loops import loop


def turns_of(seconds: Iterator[float], counted: list[float]) -> Callable[[], float]:
    def turn() -> float:
        counted.append(next(seconds))
        return counted[-1]

    return turn


def test_what_is_clearly_slower_drops_out_and_the_fastest_turn_counts() -> None:
    quick, near, slow = list[float](), list[float](), list[float]()
    timers = {
        "quick": turns_of(iter([2.0, 1.0, 3.0]), quick),
        "near": turns_of(iter([1.6, 1.4, 9.0]), near),
        "slow": turns_of(iter([4.0]), slow),
    }
    assert fastest_turns(timers, 0.0, fewest=3) == {"quick": 1.0, "near": 1.4, "slow": 4.0}
    assert (len(quick), len(near), len(slow)) == (3, 3, 1)


def test_it_goes_on_for_so_many_seconds_but_not_for_more_than_so_many_turns() -> None:
    counted: list[float] = []
    fastest_turns({"one": turns_of(iter([1.0] * 100), counted)}, 10.0, fewest=2)
    assert len(counted) == 10
    counted.clear()
    fastest_turns({"one": turns_of(iter([1.0] * 100), counted)}, 10.0, fewest=2, most=4)
    assert len(counted) == 4


def test_throughput_is_that_of_the_last_steps() -> None:
    throughput = Throughput()
    assert throughput.add(100, 10.0) == 10
    for _ in range(50):
        rate = throughput.add(100, 1.0)
    assert rate == 100


def test_a_steps_seconds_are_counted_for_the_stage_that_spent_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training, now = loop(), [0.0]
    training.timer = Stopwatch(lambda: now[0])

    def lasting(seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            now[0] += seconds
            return work(*words, **named)

        return call

    work: dict[str, tuple[type, str]] = {
        "pixels": (type(training.batches.examples), "images"),
        "forward": (type(training.module), "forward"),
        "backward": (torch.Tensor, "backward"),
        "optimizer": (type(training.optimizer), "step"),
        "averages": (type(training.ema), "update_parameters"),
    }
    lasts = {stage: 2.0**number for number, stage in enumerate(work)}
    for stage, (owner, name) in work.items():
        monkeypatch.setattr(owner, name, lasting(lasts[stage], getattr(owner, name)))
    training.train_step(0)
    assert training.timer.seconds() == {"other": 0.0, **lasts}
    assert training.timer.shares()["averages"] == 16 / 31
