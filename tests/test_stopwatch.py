"""Where the time goes, by a clock that the test winds."""

import pytest

from convlens.stopwatch import Stopwatch, told


def test_every_moment_counts_once_for_the_innermost_part() -> None:
    now = [100.0]
    stopwatch = Stopwatch(lambda: now[0])

    def work(seconds: float) -> None:
        now[0] += seconds

    work(1)
    with stopwatch.part("training"):
        work(2)
        with stopwatch.part("measuring"):
            work(4)
            with pytest.raises(ZeroDivisionError), stopwatch.part("writing"):
                work(8)
                _ = 1 / 0
            work(16)
        work(32)
        assert stopwatch.seconds()["training"] == 34  # while it still goes on
    work(64)
    with stopwatch.part("measuring"):
        work(128)
    work(256)
    parts = {"other": 321.0, "training": 34.0, "measuring": 148.0, "writing": 8.0}
    assert stopwatch.seconds() == parts
    assert sum(parts.values()) == now[0] - 100
    assert stopwatch.shares() == {"training": 34 / 190, "measuring": 148 / 190, "writing": 8 / 190}


def test_the_parts_that_are_told_are_the_whole() -> None:
    seconds = {"other": 2.0, "importing": 3.0, "training": 1094.5, "writing": 0.5}
    assert told(seconds) == "1,100.0 s: training 1,094.5, other 5.5"
    assert told({"other": 0.5, "reading": 1.0, "training": 3.0}) == (
        "4.5 s: training 3.0, reading 1.0, other 0.5"
    )
