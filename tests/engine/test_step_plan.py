"""Plans of steps, revised on the way at any steps, to any number of steps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlens.engine.step_plan import StepPlan

PARTS = [(0.2, 96, 0.5), (0.8, 128, 1.0)]


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.floats(0, 0.99), st.integers(1, 60), st.integers(1, 40)), max_size=5),
)
def test_however_often_it_is_revised_training_goes_from_its_beginning_to_its_end(
    steps: int, revisions: list[tuple[float, int, int]]
) -> None:
    plan, at = StepPlan.of(steps, PARTS, measure_every=7), 0
    for share, more, every in revisions:
        before, at = plan, at + int(share * (plan.steps - at))
        plan = before.revised(at, at + more, measure_every=every)
        assert plan.steps == at + more
        # what was done is what it was, to the last bit
        assert [plan.done(step) for step in range(at + 1)] == [
            before.done(step) for step in range(at + 1)
        ]
        assert [plan.size(step) for step in range(at)] == [before.size(step) for step in range(at)]
        assert [plan.measures(step) for step in range(1, at + 1)] == [
            before.measures(step) for step in range(1, at + 1)
        ]
    done = [plan.done(step) for step in range(plan.steps + 1)]
    assert done[0] == 0
    assert done[-1] == pytest.approx(1)
    assert all(one < other for one, other in pairwise(done))
    assert [phase.begin for phase in plan.phases] == [0, *(p.end for p in plan.phases[:-1])]
    assert plan.size(plan.steps - 1) == 128
    assert plan.measurements(at) == sum(map(plan.measures, range(at + 1, plan.steps + 1)))
    assert StepPlan.from_record({"phases": [vars(phase) for phase in plan.phases]}) == plan


def test_what_is_left_keeps_its_proportions() -> None:
    plan = StepPlan.of(100, PARTS, measure_every=10).revised(10, 55, measure_every=5)
    assert [(phase.end, phase.size) for phase in plan.phases] == [(10, 96), (15, 96), (55, 128)]
    assert plan.done(15) == pytest.approx(0.2)
    assert [plan.measures(step) for step in (5, 10, 15, 55)] == [False, True, True, True]
    assert plan.seconds(55) == 15 * 0.5 + 40


def test_it_may_end_early_and_is_the_same_until_then() -> None:
    plan = StepPlan.of(100, PARTS, measure_every=10)
    for at in (5, 20, 50):
        early = plan.ended(at)
        assert early.steps == at
        assert [early.done(step) for step in range(at)] == [plan.done(step) for step in range(at)]
        assert [early.size(step) for step in range(at)] == [plan.size(step) for step in range(at)]
        assert early.measures(at)


def test_it_knows_what_is_left() -> None:
    plan = StepPlan.of(20, [(0.5, 32, 1.0), (0.5, 64, 4.0)], measure_every=5)
    assert plan.steps == 20
    assert [plan.size(step) for step in (0, 9, 10, 19)] == [32, 32, 64, 64]
    assert [plan.seconds(steps) for steps in (0, 10, 15, 20)] == [0, 10, 30, 50]
    assert plan.seconds_left(10, 20.0) == 80  # twice as slow as timed so far
    assert plan.seconds_left(0, 0.0) == 50
