"""How threads wait for each other follows whether others want the processors; numbers do not."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from convlens.engine.compute import spinning
from convlens.engine.compute.spinning import considerate_threads, kept_waiting, libgomp

TASKS = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(
    not TASKS.exists() or libgomp() is None, reason="needs Linux and GNU's OpenMP"
)


def until(fact: Callable[[], bool]) -> None:
    """Wait; the suite's own limit ends what never comes."""
    while not fact():
        threading.Event().wait(0.01)


def threads() -> set[str]:
    return {path.name for path in TASKS.iterdir()}


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The seconds that threads were kept waiting, which the test decides."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    seconds, share = {"1": 0.0}, {"share": 0.0}

    def look() -> dict[str, float]:
        seconds["1"] += share["share"]
        return dict(seconds)

    monkeypatch.setattr(spinning, "kept_waiting", look)
    monkeypatch.setattr(spinning, "PERIOD", 0.01)
    return share


def test_idle_threads_are_held_while_others_want_the_processors(waited: dict[str, float]) -> None:
    computing = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        numbers = torch.rand(400, 300, generator=torch.Generator().manual_seed(0))
        alone = numbers @ numbers.T
        before = threads()
        with considerate_threads():
            watched = threads()
            assert len(watched - before) == 1
            waited["share"] = 1.0
            until(lambda: len(threads() - watched) >= 2)  # one that holds, and its team
            with considerate_threads():  # within it nothing more happens
                assert torch.equal(numbers @ numbers.T, alone)
            waited["share"] = 0.0
            until(lambda: not threads() - watched)
            assert torch.equal(numbers @ numbers.T, alone)
            waited["share"] = 1.0
            until(lambda: len(threads() - watched) >= 2)
        until(lambda: not threads() - before)
    finally:
        torch.set_num_threads(computing)


def test_who_says_how_to_wait_is_obeyed(
    waited: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    before = threads()
    with considerate_threads():
        assert threads() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_thread_that_shares_its_processor_is_seen_to_wait() -> None:
    """Two threads that compute on one processor: each waits for the other."""
    over, allowed = threading.Event(), os.sched_getaffinity(0)
    numbers = torch.rand(300, 300)

    def compute() -> None:
        os.sched_setaffinity(0, {min(allowed)})
        while not over.is_set():
            numbers @ numbers

    both = [threading.Thread(target=compute) for _ in range(2)]
    for thread in both:
        thread.start()
    mine = [str(thread.native_id) for thread in both]
    before = kept_waiting()
    until(lambda: all(kept_waiting()[task] > before[task] for task in mine))
    over.set()
    for thread in both:
        thread.join()
