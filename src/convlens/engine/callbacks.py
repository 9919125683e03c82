"""What wants to know how training goes."""

from collections.abc import Callable
from typing import Protocol

from .loop import Loop, Measure


class Callback(Protocol):
    """What wants to know how training goes; the command line prints it."""

    def say(self, text: str) -> None:
        """One line worth reading."""

    def warn(self, text: str) -> None:
        """Something that may need the user's attention."""

    def progress(self, what: str, done: int, total: int) -> None:
        """A long piece of work other than training itself."""

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """One training step is done."""

    def measure(self, measured: Measure) -> None:
        """J and accuracy were measured."""


class NullCallback:
    """A listener that prints nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """Nothing."""

    def measure(self, measured: Measure) -> None:
        """Nothing."""


def tell_steps(loop: Loop, callback: Callback) -> Callable[[int, float], None]:
    """What `Loop.run` is to call after each step, so that the listener hears of it."""
    return lambda done, rate: callback.step(
        done, loop.plan.steps, rate, loop.plan.left(done, loop.progress.seconds)
    )
