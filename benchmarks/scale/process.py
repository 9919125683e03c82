"""What each process of a training does, together with others or alone, and its figures."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed

from convlens.dataset.augment import DEFAULT, Augment, parse_augmentations
from convlens.dataset.batches import Batches, Order
from convlens.dataset.examples import Examples
from convlens.engine.compute.execution import Execution
from convlens.engine.distributed import Workers, init_distributed
from convlens.engine.loop import Loop
from convlens.engine.step_plan import StepPlan
from convlens.network.build import build
from convlens.network.spec import network
from convlens.options import EXECUTION_CONFIGS, OptimizerOptions
from convlens.tasks.classification.objective import plain_objective

LINE = (
    "conv 32 3x3 same, norm, pool 2, residual [conv 64 3x3 same, norm, conv 64 3x3 same, norm], "
    "pool 2, residual [conv 128 3x3 same, norm, conv 128 3x3 same, norm], gap"
)
CLASSES = 10


def examples(count: int, side: int) -> Examples:
    """Classes that differ in their mean colours, under noise."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, count)
    tints = random.integers(40, 216, (CLASSES, 1, 1, 3))
    noise = random.integers(-40, 40, (count, side, side, 3))
    return Examples(
        (tints[labels] + noise).astype(np.uint8), np.arange(count), labels=labels, classes=CLASSES
    )


class Logged(Batches):
    """Notes which pictures each step computes here: a line `step epoch picture …` a group."""

    log: Path | None = None

    def micro_batches(
        self,
        step: int,
        side: int,
        *,
        encode: Callable[[Tensor], Tensor],
        mixed: float = 1.0,
        numbers: range | None = None,
    ) -> Any:
        """As `Batches` gives them."""
        if self.log is not None and numbers is not None:
            indices, epochs = self.order.at(step)
            parts = np.array_split(np.arange(len(indices)), self.micro_batch_count)
            with self.log.open("a") as file:
                for number in numbers:
                    seen = (f"{epochs[at]}:{indices[at]}" for at in parts[number])
                    file.write(f"{step} {' '.join(seen)}\n")
        return super().micro_batches(step, side, encode=encode, mixed=mixed, numbers=numbers)


def make_loop(task: dict[str, Any], workers: Workers) -> Loop:
    count, batch, side, steps = (task[key] for key in ("pictures", "batch", "side", "steps"))
    batches = Logged(
        examples(count, side),
        Order(count, batch, seed=1),
        augment=Augment(parse_augmentations(DEFAULT), 1),
    )
    batches.log = Path(task["log"] + f".{workers.rank}") if "log" in task else None
    return Loop(
        build(network(LINE, side, classes=CLASSES), 0),
        batches,
        val=examples(64, side).take(np.arange(0)),
        objective=plain_objective(CLASSES),
        options=OptimizerOptions(optimizer="gd", learning_rate=0.05, schedule="constant", warmup=0),
        plan=StepPlan.of(steps, [(1.0, side, 1.0)], measure_every=task.get("every", steps)),
        execution=Execution(EXECUTION_CONFIGS["float32"], 1),
        seed=1,
        workers=workers,
    )


def work(task: dict[str, Any]) -> None:
    """What each process does."""
    torch.set_num_threads(1)
    with init_distributed() as workers:
        loop = make_loop(task, workers)
        if "folder" in task:
            folder = Path(task["folder"])
            if workers.broadcast(folder.exists):
                loop.restore(folder, print)
            begun = loop.progress.step
            loop.run(folder)
            figures: dict[str, Any] = {"begun": begun, "ended": loop.progress.step}
        else:
            costs, seconds = [], []
            for step in range(task["steps"]):
                begin = time.perf_counter()
                costs.append(loop.train_step(step))
                seconds.append(time.perf_counter() - begin)
            figures = {"costs": costs, "seconds": statistics.median(seconds[2:])}
            sizes = [p.numel() for p in loop.module.parameters()]
            figures |= {"parameters": sum(sizes), "exchange": exchange(sum(sizes), workers)}
        if workers.first:
            Path(task["answer"]).write_text(json.dumps(figures))


def exchange(numbers: int, workers: Workers, turns: int = 20) -> float:
    """Seconds to add up so many float32 numbers over all processes: the median."""
    if workers.world_size == 1:
        return 0.0
    gradients, seconds = torch.zeros(numbers), []
    for _ in range(turns):
        distributed.barrier()
        begin = time.perf_counter()
        workers.all_reduce(gradients)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
