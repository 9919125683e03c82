"""What wants to know how training goes."""

import warnings
from typing import Protocol

from .measurement import Measurement


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

    def measure(self, measurement: Measurement) -> None:
        """J and accuracy were measured."""


class NullCallback:
    """A callback that does nothing; one that wants to know a part derives from it."""

    def say(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """Nothing."""

    def measure(self, measurement: Measurement) -> None:
        """Nothing."""


class WarningCallback(NullCallback):
    """What hears where nobody else does: warnings go to Python's `warnings`, the rest nowhere."""

    def warn(self, text: str) -> None:
        """A `UserWarning`."""
        warnings.warn(text, stacklevel=2)
