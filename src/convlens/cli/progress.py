"""How far a command is, on standard error: a bar on a terminal, now and then a line elsewhere."""

import time
from typing import TYPE_CHECKING

from .output import duration, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from ..engine.measurement import Measurement

STATUS_SECONDS = 20.0
"""How often a line tells of the training where there is no terminal to draw a bar on."""


def _console() -> "Console":
    """On standard error; where nobody reads it any more, it falls silent, and work goes on."""
    from rich.console import Console

    class Patient(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True

    return Patient(stderr=True, highlight=False, markup=False)


class Bars:
    """Progress and notes on standard error; where `quiet`, warnings alone."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = _console()
        self.quiet = quiet
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        self._what = ""
        self._left = 0.0
        self._spoke = time.monotonic()

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._task, self._what = None, None, ""

    def _show(self, what: str, done: int, total: int, note: str) -> None:
        if self.quiet:
            return
        if not self.console.is_terminal:
            if time.monotonic() - self._spoke > STATUS_SECONDS:
                self._spoke = time.monotonic()
                count = f": {done:,} of {total:,}" if total > 1 else " …"
                self.console.print(f"{what}{count}{note and '  ' + note}")
            return
        if what != self._what:
            self.end()
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"),
                console=self.console,
                transient=True,
            )
            self._bars.start()
            self._task = self._bars.add_task(what, total=total, note=note)
            self._what = what
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total, note=note)
            if done >= total:
                self.end()

    def progress(self, what: str, done: int, total: int) -> None:
        """A long piece of work stands at `done` of `total`."""
        self._show(what, done, total, "")

    def say(self, text: str) -> None:
        """One line worth reading."""
        if not self.quiet:
            self.console.print(printable(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something that may need the user's attention: said even where all else is quiet."""
        self.console.print(f"note: {printable(text)}", style="yellow", soft_wrap=True)

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """One training step is done."""
        rate = f"{pictures_per_second:,.0f} pictures/s"
        self._show("training", done, steps, f"{rate}  {duration(seconds_left)} left")
        self._left = seconds_left

    def measure(self, measurement: "Measurement") -> None:
        """J and accuracy were measured: one line."""
        held = ""
        if measurement.cost_val is not None and measurement.accuracy_val is not None:
            held = (
                f"  validation J {measurement.cost_val:.4f}"
                f"  accuracy {measurement.accuracy_val:6.1%}{' *' if measurement.best else '  '}"
            )
        self._spoke = time.monotonic()
        if measurement.cost_train is None:
            if held:
                self.say(f"features as they are: {held.strip()}")
            return
        left = duration(self._left)
        self.say(
            f"epoch {measurement.epoch:6.1f}  training J {measurement.cost_train:.4f}{held}"
            f"  {measurement.pictures_per_second:7,.0f} pictures/s  {left} left"
        )
