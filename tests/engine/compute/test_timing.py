"""The fastest of some turns, by a clock that the test winds."""

from collections.abc import Callable, Iterator

from convlens.engine.compute.timing import Throughput, fastest_turns


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
