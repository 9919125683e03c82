"""The configurations for computing are timed, and the fastest is taken and remembered."""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from ...errors import ConvlensError
from ...files import write_whole
from ...options import CPU_CONFIGS, EXECUTION_CONFIGS, GPU_CONFIGS, ExecutionConfig
from ...pictures.cache import cache_folder
from ..distributed import SINGLE_PROCESS, Workers
from .execution import Execution, accelerator, keep_memory, multiplies_bfloat16, processor
from .timing import fastest_turns, seconds_of

HOPELESS, SECONDS = 4.0, 1.0
"""A first step that takes so many times as long as another's, and longer than this, which making
kernels does not take: nothing in that precision is fast."""
MOST_TURNS = 8


def available_configs() -> tuple[ExecutionConfig, ...]:
    """The configurations that this machine can compute with, at a speed that is worth timing.

    Where a processor has no instructions for bfloat16, a step in it can take a minute.
    """
    on_cpu = tuple(
        config for config in CPU_CONFIGS if config.precision == "float32" or multiplies_bfloat16()
    )
    return on_cpu if accelerator() is None else (*on_cpu, *GPU_CONFIGS)


class TuningCache:
    """The fastest configuration for one kind of step on this machine, from an earlier run.

    `kind` is the network, the size of pictures, and whatever else decides; the processor, the
    threads and torch's version are added.
    """

    def __init__(self, threads: int, *kind: object) -> None:
        names = tuple(config.name for config in available_configs())
        self._kind = [processor(), threads, torch.__version__, names, *map(str, kind)]

    def _path(self) -> Path:
        key = hashlib.sha256(json.dumps(self._kind).encode()).hexdigest()
        return cache_folder("compute") / f"{key}.json"

    def get(self) -> str | None:
        """The name of one of `available_configs()`; None where nothing is remembered."""
        with suppress(OSError, ValueError, KeyError, TypeError, ConvlensError):
            name = json.loads(self._path().read_text("utf-8"))["choice"]
            if EXECUTION_CONFIGS.get(name) in available_configs():
                return str(name)
        return None

    def put(self, name: str) -> None:
        """Remember it; without a cache nothing is remembered, and nothing lost."""
        with suppress(ConvlensError):
            record = {"choice": name, "for": self._kind}
            write_whole(self._path(), json.dumps(record, indent=2) + "\n")


def _worth_timing(
    executions: list[Execution], step: Callable[[Execution], None], *, workers: Workers
) -> list[Execution]:
    """Those worth timing, after a first step, which allocates and compiles kernels.

    A GPU may have too little memory, or lack an operation.
    """
    least, hopeless, promising = float("inf"), set(), list[Execution]()
    for execution in executions:
        config = execution.config
        if (config.device, config.precision) in hopeless:
            continue
        try:
            own = seconds_of(partial(step, execution), execution.wait)
        except RuntimeError:
            if config.device == "cpu" or not promising:
                raise
            continue
        seconds = workers.broadcast(lambda: own)  # noqa: B023
        if seconds > max(HOPELESS * least, SECONDS):
            hopeless.add((config.device, config.precision))
            continue
        least = min(least, seconds)
        promising.append(execution)
    return promising


def autotune(
    configs: Sequence[ExecutionConfig],
    threads: int,
    *,
    step: Callable[[Execution], None],
    workers: Workers = SINGLE_PROCESS,
    seconds: float = 1.0,
) -> tuple[Execution, dict[str, float]]:
    """The fastest configuration for a step.

    One that is much slower than another at its first step gets no second (see `fastest_turns` for
    the others).

    Args:
        configs: What to choose from.
        threads: Of the processor.
        step: Does one step in a given way.
        workers: The processes that take each step together.
        seconds: For timing each configuration.

    Returns:
        The fastest execution, and the least seconds of a step of each that was timed, by name.
    """
    torch.set_num_threads(threads)
    keep_memory()
    executions = _worth_timing(
        [Execution(config, threads) for config in configs], step, workers=workers
    )
    timers = {e.config.name: partial(seconds_of, partial(step, e), e.wait) for e in executions}
    fastest = fastest_turns(
        timers, seconds * len(timers), fewest=1, most=MOST_TURNS, workers=workers
    )
    best = min(fastest, key=fastest.__getitem__)
    return Execution(EXECUTION_CONFIGS[best], threads), fastest
