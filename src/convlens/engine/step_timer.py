"""Where the time of a step goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("pixels", "forward", "backward", "optimizer", "averages")
"""Of a step: its pictures made ready, the network and J, gradients, the update, the averages."""


class StepTimer:
    """Seconds spent in each stage of training by this process."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def spent(self, stage: str) -> Iterator[None]:
        """Count the time within it."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - begun

    def shares(self) -> dict[str, float]:
        """The part of each."""
        total = sum(self.seconds.values())
        return {stage: spent / total if total else 0.0 for stage, spent in self.seconds.items()}
