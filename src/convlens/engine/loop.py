"""The training loop: forward, backward, update; measure on validation pictures; keep the best."""

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from ..dataset.batches import Batches, Examples
from ..dataset.random import torch_seed
from ..errors import ConvlensError
from ..network.build import Classifier
from ..options import OptimizerOptions
from .calibration import calibrated_losses
from .checkpoint import (
    Checkpoint,
    checkpoint_from,
    flatten_optimizer,
    newest_checkpoint,
    restore_optimizer,
    write_checkpoint,
)
from .compute.execution import Execution
from .compute.timing import StepTimer
from .distributed import ALONE, Running, Workers
from .loss import Cost
from .model_selection import ModelSelection
from .optimizers import make_optimizer, rate_factor
from .schedule import StepPlan

EXPLODED = 1e4
"""A J as high as this is as bad as one that is no number."""
TROUBLES, SMALLER = 3, 0.3
"""So often training goes back to its last checkpoint, each time with steps so much smaller."""
MEMORY = 6
"""At step t the average of the parameters reaches back about t / (MEMORY + 2) steps."""


@dataclass(frozen=True)
class Measure:
    """J and accuracy at one moment.

    `cost_train` is the mean since the moment before, None where no step lies between; the other two
    are None where there are no validation pictures. `waiting` is the share of the steps so
    far that went into making pictures ready.
    """

    step: int
    epoch: float
    _: KW_ONLY
    cost_train: float | None
    cost_val: float | None
    accuracy_val: float | None
    learning_rate: float
    pictures_per_second: float
    seconds: float
    best: bool
    waiting: float = 0.0


@dataclass
class Progress:
    """What training has come to; part of every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    _: KW_ONLY
    cost_sum: float = 0.0
    cost_steps: int = 0
    best_cost: float | None = None
    best_step: int = 0
    troubles: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


def predict_examples(
    module: Classifier, examples: Examples, *, execution: Execution, workers: Workers = ALONE
) -> Tensor:
    """Logits [N, K] in float32 for pictures as evaluation sees them; workers share them out."""
    module.eval()
    parts = np.array_split(np.arange(len(examples)), -(-len(examples) // module.group))
    logits_NK = torch.zeros(len(examples), examples.classes)
    for number in workers.share(len(parts)):
        with torch.inference_mode(), execution.precision():
            found = module(execution.inputs(examples.images(parts[number]))).float().cpu()
        logits_NK[torch.from_numpy(parts[number])] = found
    return workers.add(logits_NK)


def ema_update(ema: Any, current: Any, steps: Tensor | int) -> None:
    """Move averaged parameters towards the current ones, by less the more steps there were.

    The weights of past steps follow a power of the step (Karras et al. 2023), so the average
    reaches back over a share of the steps so far, wherever training ends.
    """
    share = 1 - (1 - 1 / (float(steps) + 1)) ** (MEMORY + 1)
    for old, new in zip(ema, current, strict=True):
        if old.is_floating_point():
            old.lerp_(new, share)
        else:
            old.copy_(new)


class Loop:
    """One training run: a module, its optimizer and where they stand.

    Workers share it: each computes some groups of every batch, and all come to the same parameters.
    """

    def __init__(
        self,
        module: Classifier,
        batches: Batches,
        *,
        val: Examples,
        cost: Cost,
        options: OptimizerOptions,
        plan: StepPlan,
        execution: Execution,
        seed: int,
        workers: Workers = ALONE,
    ) -> None:
        workers.enough(batches.order.batch, batches.group)
        self.workers = workers
        self.module = module = execution.place(module)
        self.parallel = workers.parallel(module)
        self.batches = batches
        self.val = val
        self.cost = cost
        self.options = options
        self.plan = plan
        self.execution = execution
        self.seed = seed
        self.pretrained = module.pretrained
        self.optimizer = make_optimizer(
            options, module.parameters(), pretrained=self.pretrained, batch=batches.order.batch
        )
        self.highest = [group["lr"] for group in self.optimizer.param_groups]
        self.ema = AveragedModel(module, multi_avg_fn=ema_update, use_buffers=True)
        self.progress = Progress()
        self.timer = StepTimer()
        self.best: dict[str, Tensor] = {}
        self.keep = ModelSelection(self.pretrained)

    @property
    def average(self) -> Classifier:
        """The module with averaged parameters: what is measured and kept."""
        module = self.ema.module
        assert isinstance(module, Classifier)  # noqa: S101
        return module

    def train_step(self, step: int, *, size: int | None = None) -> float:
        """One update of the parameters; returns J before it.

        Pictures have the plan's size at this step, or the one that is given.

        The batch's groups are computed one after the other and their gradients added, so memory
        depends on the group and not on the batch.
        """
        self.module.train()
        factor = rate_factor(self.options, step, steps=self.plan.steps, pretrained=self.pretrained)
        factor *= SMALLER**self.progress.troubles
        for group, highest in zip(self.optimizer.param_groups, self.highest, strict=True):
            group["lr"] = highest * factor
        self.optimizer.zero_grad()
        # mixed pictures are hard to begin with, and they hold back overfitting, which comes later
        mixed = step / self.plan.steps
        workers = self.workers
        mine, running = workers.share(self.batches.parts), Running(self.module, workers)
        with self.timer.time("pixels"):
            labels_N, groups = self.batches.groups(
                step, size or self.plan.side(step), mixed=mixed, numbers=mine
            )
        total = 0.0
        for number, (pixels, targets) in zip(mine, groups, strict=True):
            torch.manual_seed(torch_seed(self.seed, "dropout", step, number))
            with workers.exchanging(self.parallel, last=number == mine[-1]):
                with self.timer.time("forward"):
                    with self.execution.precision():
                        logits = self.parallel(self.execution.inputs(pixels)).cpu()
                    part = self.cost.examples(logits, targets, whole=labels_N)
                with self.timer.time("backward"):
                    # gradients are averaged over the workers, and have to add up
                    (part * workers.count).backward()  # type: ignore[no-untyped-call]
            total += part.item()
        running.bring_together(mine, self.batches.parts)
        total = workers.total(total)
        penalty = self.cost.penalty(self.module.parameters())
        if penalty is not None:
            penalty.backward()  # type: ignore[no-untyped-call]
            total += penalty.item()
        with self.timer.time("optimizer"):
            self.optimizer.step()
        with self.timer.time("averages"):
            self.ema.update_parameters(self.module)
        return total

    def measure(self, rate: float) -> Measure:
        """J and accuracy of the averaged parameters on the validation pictures.

        J is that at the temperature which suits them best: mixed pictures and smoothed labels make
        the best networks the least sure, and a temperature is fitted at the end anyway.
        """
        progress = self.progress
        cost_val = accuracy = None
        best = True
        if len(self.val):
            logits = predict_examples(
                self.average, self.val, execution=self.execution, workers=self.workers
            )
            labels = self.val.targets(np.arange(len(self.val)))
            costs_N = calibrated_losses(logits, labels)
            cost_val = costs_N.mean().item()
            accuracy = (logits.argmax(1) == labels).float().mean().item()
            best = self.keep(costs_N, progress.best_cost)
        if best:
            progress.best_cost, progress.best_step = cost_val, progress.step
            ema = self.average.state_dict()
            self.best = {name: value.detach().clone() for name, value in ema.items()}
        measured = Measure(
            step=progress.step,
            epoch=progress.step * self.batches.order.batch / self.batches.order.count,
            cost_train=progress.cost_sum / progress.cost_steps if progress.cost_steps else None,
            cost_val=cost_val,
            accuracy_val=accuracy,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            pictures_per_second=rate,
            seconds=progress.seconds,
            best=best,
            waiting=self.timer.shares()["pixels"],
        )
        progress.cost_sum, progress.cost_steps = 0.0, 0
        progress.history.append(asdict(measured))
        return measured

    def run(
        self,
        folder: Path | None,
        stop: Callable[[], bool],
        on_step: Callable[[int, float], None],
        on_measure: Callable[[Measure], None],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> bool:
        """Train to the plan's end, or until `stop()`; True where the end was reached.

        `on_step` is called with (steps done, pictures per second), `on_measure` with each
        measurement. Checkpoints go to `folder` before the first step, after each measurement and
        when stopped. Where J explodes, training goes back to the last one and takes smaller steps,
        and tells `on_trouble`; after three times it raises `ConvlensError`.
        """
        progress = self.progress
        window: list[tuple[int, float]] = []
        if self.pretrained and not progress.history:  # fine-tuning has to beat where it begins
            on_measure(self.measure(0.0))
        measured = progress.history[-1]["step"] if progress.history else -1
        if folder is not None and progress.step == 0 and self.plan.steps:
            self.save(folder)
        while progress.step < self.plan.steps and not self.workers.any(stop()):
            begun = time.perf_counter()
            cost = self.train_step(progress.step)
            last = progress.step + 1 == self.plan.steps
            measures = last or (progress.step + 1) % self.plan.measure_every == 0
            if folder is not None and not (cost < EXPLODED and (not measures or self._finite())):
                self._go_back(folder, cost, on_trouble=on_trouble)
                progress = self.progress
                continue
            progress.cost_sum += cost
            progress.cost_steps += 1
            progress.step += 1
            seconds = time.perf_counter() - begun
            progress.seconds += seconds
            window = [*window[-49:], (self.batches.order.batch, seconds)]
            rate = sum(n for n, _ in window) / sum(s for _, s in window)
            on_step(progress.step, rate)
            if measures:
                begun = time.perf_counter()
                on_measure(self.measure(rate))
                progress.seconds += time.perf_counter() - begun
                measured = progress.step
                if folder is not None:
                    self.save(folder)
        finished = progress.step >= self.plan.steps
        if not finished and folder is not None:
            self.save(folder)
        if measured < 0:  # stopped before the first measurement: what there is must be the best
            on_measure(self.measure(0.0))
        return finished

    def _finite(self) -> bool:
        """Whether every parameter is a number."""
        with torch.no_grad():
            sound = all(bool(torch.isfinite(p.sum())) for p in self.module.parameters())
        return not self.workers.any(not sound)

    def _go_back(self, folder: Path, cost: float, *, on_trouble: Callable[[str], None]) -> None:
        """To the last checkpoint, with smaller steps from there on. Raises `ConvlensError`."""
        at, troubles = self.progress.step + 1, self.progress.troubles + 1
        if troubles > TROUBLES:
            raise ConvlensError(
                f"J exploded at step {at:,} again ({cost:.3g}), even with a learning rate "
                f"{SMALLER**TROUBLES:.2g} as high: give a lower --learning-rate than "
                f"{max(self.highest):.2g}, or --optimizer auto; the last sound state is kept in "
                f"{folder}"
            )
        self.restore(folder, on_trouble)
        self.progress.troubles = troubles
        on_trouble(
            f"J exploded at step {at:,} ({cost:.3g}): back to step {self.progress.step:,}, and on "
            f"with a learning rate {SMALLER**troubles:.2g} as high"
        )
        self.save(folder)

    def save(self, folder: Path) -> None:
        """Write a checkpoint, by the first worker."""
        if not self.workers.first:
            return
        optimizer_tensors, optimizer_plain = flatten_optimizer(self.optimizer)
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors |= {f"optimizer.{k}": v for k, v in optimizer_tensors.items()}
        if self.keep.bar is not None:
            tensors["bar.costs"] = self.keep.bar
        state = {"progress": asdict(self.progress), "optimizer": optimizer_plain}
        write_checkpoint(folder, Checkpoint(self.progress.step, tensors, state=state))

    def restore(self, folder: Path, warn: Callable[[str], None]) -> None:
        """Go back to the newest sound checkpoint, which the first worker reads for all.

        Raises `ConvlensError` where there is none.
        """
        found = checkpoint_from(self.workers.data(lambda: newest_checkpoint(folder, warn)))
        parts: dict[str, dict[str, Tensor]] = {
            "module": {},
            "ema": {},
            "best": {},
            "optimizer": {},
            "bar": {},
        }
        for name, value in found.tensors.items():
            part, key = name.split(".", 1)
            parts[part][key] = value
        self.module.load_state_dict(parts["module"])
        self.ema.load_state_dict(parts["ema"])
        self.execution.place(self.module)
        self.execution.place(self.ema)
        self.best = parts["best"]
        self.keep.bar = parts["bar"].get("costs")
        restore_optimizer(self.optimizer, parts["optimizer"], plain=found.state["optimizer"])
        self.progress = Progress(**found.state["progress"])
