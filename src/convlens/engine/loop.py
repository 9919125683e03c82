"""The training loop: forward, backward, update; measure on validation pictures; keep the best."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ..dataset.batches import Batches
from ..dataset.examples import Examples
from ..dataset.random import torch_seed
from ..network.classifier import Classifier
from ..options import OptimizerOptions
from ..stopwatch import Stopwatch
from ..tasks.learning import Objective
from . import checkpoint
from .callbacks import Callback
from .compute.execution import Execution
from .compute.timing import Throughput
from .distributed import SINGLE_PROCESS, RunningStatistics, Workers
from .ema import make_ema
from .measurement import Measurement, Validation, validate
from .model_selection import ModelSelection
from .optimizers import make_optimizer, rate_factor
from .recovery import EXPLODED, Explosion, is_finite, learning_rate_factor
from .step_plan import Revise, StepPlan, keep


class Loop:
    """One training run: a module, its optimizer and where they stand.

    Workers share it: each computes some micro-batches of every batch, and all come to the same
    parameters.

    Args:
        module: What is trained; its layers may be replaced by others with the same parameters.
        batches: The training pictures, in their order, varied.
        val: The validation pictures; there may be none.
        objective: J, and what else the answers' task decides.
        options: Those of the optimizer.
        plan: How many steps, and the size of pictures.
        execution: How arithmetic is done.
        seed: Of dropout.
        revise: Asked before each step for the plan from there on; workers have to agree.
        workers: The processes that share the training.
        stopwatch: Counts what training and measuring take; by default nobody reads it.

    Raises:
        UsageError: A batch cannot be shared by so many workers.
    """

    def __init__(
        self,
        module: Classifier,
        batches: Batches,
        *,
        val: Examples,
        objective: Objective,
        options: OptimizerOptions,
        plan: StepPlan,
        execution: Execution,
        seed: int,
        revise: Revise = keep,
        workers: Workers = SINGLE_PROCESS,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        workers.check_batch(batches.order.batch, batches.micro_batch)
        self.workers = workers
        self.module = execution.place(module)
        self.parallel = workers.data_parallel(self.module)
        self.batches = batches
        self.val = val
        self.objective = objective
        self.options = options
        self.plan = plan
        self.execution = execution
        self.seed = seed
        self.revise = revise
        self.pretrained = module.pretrained
        self.optimizer = make_optimizer(
            options,
            self.module.parameters(),
            pretrained=self.pretrained,
            learnt=self.module.learnt(),
            batch=batches.order.batch,
        )
        self.learning_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.ema = make_ema(self.module)
        self.progress = checkpoint.Progress()
        self.timer = Stopwatch()  # of a step: pixels, forward, backward, optimizer, averages
        self.stopwatch = stopwatch or Stopwatch()
        self.best: dict[str, Tensor] = {}
        self.selection = ModelSelection(self.pretrained)

    @property
    def ema_module(self) -> Classifier:
        """The module with averaged parameters: what is measured and kept."""
        return cast(Classifier, self.ema.module)

    def train_step(self, step: int, *, size: int | None = None) -> float:
        """One update of the parameters; returns J before it.

        Args:
            step: From 0; everything random follows from it and the seed.
            size: Of the pictures, in pixels a side; by default what the plan has at this step.
        """
        self.module.train()
        done, after = self.plan.done(step), self.plan.done(step + 1)
        factor = rate_factor(self.options, done, after=after, pretrained=self.pretrained)
        factor *= learning_rate_factor(self.progress.recoveries)
        for group, highest in zip(self.optimizer.param_groups, self.learning_rates, strict=True):
            group["lr"] = highest * factor
        self.optimizer.zero_grad()
        loss = self._accumulate_gradients(step, size or self.plan.size(step))
        penalty = self.objective.penalty(self.module.parameters())
        if penalty is not None:
            penalty.backward()  # type: ignore[no-untyped-call]
            loss += penalty.item()
        with self.timer.part("optimizer"):
            self.optimizer.step()
        with self.timer.part("averages"):
            self.ema.update_parameters(self.module)
        return loss

    def _accumulate_gradients(self, step: int, size: int) -> float:
        """J of a batch, and its gradients.

        Micro-batches are computed one after the other and their gradients added, so memory depends
        on their size and not on the batch's.
        """
        workers, parts = self.workers, self.batches.micro_batch_count
        own, statistics = workers.share(parts), RunningStatistics(self.module, workers)
        # mixed pictures are hard to begin with, and they hold back overfitting, which comes later
        mixed = self.plan.done(step)
        labels_N, micro_batches = self.batches.micro_batches(
            step, size, encode=self.objective.encode, mixed=mixed, numbers=own
        )
        loss = 0.0
        for number in own:
            with self.timer.part("pixels"):
                pixels, targets = next(micro_batches)
            torch.manual_seed(torch_seed(self.seed, "dropout", step, number))
            with workers.gradient_sync(self.parallel, last=number == own[-1]):
                loss += self._backward(pixels, targets, labels_N)
        statistics.synchronize(own, parts)
        return workers.sum(loss)

    def _backward(self, pixels_NCHW: Tensor, targets_NK: Tensor, labels_N: Tensor) -> float:
        """A micro-batch's part of J, after its gradients were computed."""
        with self.timer.part("forward"):
            with self.execution.precision():
                logits_NK = self.parallel(self.execution.inputs(pixels_NCHW)).cpu()
            loss = self.objective.loss(logits_NK, targets_NK, batch_labels=labels_N)
        with self.timer.part("backward"):
            # gradients are averaged over the workers, and have to add up
            (loss * self.workers.world_size).backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def measure(self) -> Validation | None:
        """The averaged parameters, left as they are, on validation pictures; None without any."""
        if not len(self.val):
            return None
        return validate(
            self.ema_module,
            self.val,
            objective=self.objective,
            execution=self.execution,
            workers=self.workers,
        )

    def record(self, validation: Validation | None, pictures_per_second: float) -> Measurement:
        """Note what was measured after this step, and keep the parameters where they are best."""
        progress = self.progress
        loss = validation.loss if validation else None
        best = not validation or self.selection.accepts(validation.losses, progress.best_loss)
        if best:
            progress.best_loss, progress.best_step = loss, progress.step
            state = self.ema_module.state_dict()
            self.best = {name: value.detach().clone() for name, value in state.items()}
        measurement = Measurement(
            step=progress.step,
            epoch=progress.step * self.batches.order.batch / self.batches.order.count,
            cost_train=progress.take_mean_loss(),
            cost_val=loss,
            accuracy_val=validation.accuracy if validation else None,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            pictures_per_second=pictures_per_second,
            seconds=progress.seconds,
            best=best,
            waiting=self.timer.shares().get("pixels", 0.0),
        )
        progress.history.append(asdict(measurement))
        return measurement

    def run(
        self,
        folder: Path | None = None,
        callbacks: Sequence[Callback] = (),
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the plan's end, or until `stop()`.

        Where J explodes, training goes back to the last checkpoint and takes smaller steps.

        Args:
            folder: Where checkpoints go: before the first step, after each measurement and when
                stopped. Without it there are none, and no way back.
            callbacks: What hears of steps, measurements and explosions.
            stop: Asked before every step.

        Returns:
            Whether the end was reached.

        Raises:
            ConvlensError: J exploded again and again.
        """
        throughput = Throughput()
        if self.pretrained and not self.progress.history:  # fine-tuning has to beat its beginning
            self._measure(None, callbacks, 0.0)
        if folder is not None and self.progress.step == 0 and self.plan.steps:
            self.save(folder)
        while self.progress.step < self.plan.steps and not self.workers.any(stop()):
            self.plan = self.revise(self.plan, self.progress)
            if self.progress.step >= self.plan.steps:
                break
            begun, measures = time.perf_counter(), self.plan.measures(self.progress.step + 1)
            loss = self.train_step(self.progress.step)
            if folder is not None and self._exploded(loss, check_parameters=measures):
                self._recover(folder, loss, callbacks)
                continue
            seconds = time.perf_counter() - begun
            rate = throughput.add(self.batches.order.batch, seconds)
            self.progress.advance(loss, seconds)
            left = self.plan.seconds_left(self.progress.step, self.progress.seconds)
            for callback in callbacks:
                callback.step(self.progress.step, self.plan.steps, rate, left)
            if measures:
                self._measure(folder, callbacks, rate)
        finished = self.progress.step >= self.plan.steps
        if not finished and is_finite(self.module):
            if folder is not None:
                self.save(folder)
            if not len(self.val):  # nothing says that averages from before are better
                self._measure(None, callbacks, 0.0)
        if not self.progress.history:  # stopped before it was measured: this must be the best
            self._measure(None, callbacks, 0.0)
        return finished

    def _measure(self, folder: Path | None, callbacks: Sequence[Callback], rate: float) -> None:
        """Measure, tell of it, and save."""
        begun = time.perf_counter()
        with self.stopwatch.part("measuring"):
            measurement = self.record(self.measure(), rate)
        for callback in callbacks:
            callback.measure(measurement)
        if folder is not None:
            self.save(folder)
        self.progress.measured(time.perf_counter() - begun)

    def _exploded(self, loss: float, *, check_parameters: bool) -> bool:
        explodes = not loss < EXPLODED  # so it is, too, where it is no number
        return explodes or (check_parameters and self.workers.any(not is_finite(self.module)))

    def _recover(self, folder: Path, loss: float, callbacks: Sequence[Callback]) -> None:
        """Back to the last checkpoint, with smaller steps from there on. Raises `ConvlensError`."""

        def warn(text: str) -> None:
            for callback in callbacks:
                callback.warn(text)

        explosion = Explosion(self.progress.step + 1, loss, self.progress.recoveries + 1)
        explosion.raise_if_last(max(self.learning_rates), folder)
        self._go_back(folder, warn)
        self.progress.recoveries, self.progress.settled = explosion.number, explosion.step
        warn(explosion.message(back_to=self.progress.step))
        self.save(folder)

    def save(self, folder: Path) -> None:
        """Write a checkpoint, by the first worker."""
        if not self.workers.first:
            return
        optimizer_tensors, optimizer_state = checkpoint.flatten_optimizer(self.optimizer)
        tensors = {
            "module": self.module.state_dict(),
            "ema": self.ema.state_dict(),
            "best": self.best,
            "optimizer": optimizer_tensors,
            "selection": self.selection.state_dict(),
        }
        state = checkpoint.Checkpoint(tensors, self.progress, optimizer_state=optimizer_state)
        with self.stopwatch.part("writing"):
            checkpoint.write_checkpoint(folder, state)

    def restore(self, folder: Path, warn: Callable[[str], None]) -> bool:
        """Go back to the newest sound checkpoint; returns whether there are any.

        Raises `ConvlensError` where none of them is sound.
        """
        holds = self.workers.broadcast(lambda: checkpoint.holds_checkpoints(folder))
        if holds:
            self._go_back(folder, warn)
        return holds

    def _go_back(self, folder: Path, warn: Callable[[str], None]) -> None:
        """To the newest sound checkpoint, which the first worker reads for all."""
        data = self.workers.broadcast_bytes(lambda: checkpoint.newest_checkpoint(folder, warn))
        newest = checkpoint.checkpoint_from(data)
        self.module.load_state_dict(newest.tensors["module"])
        self.ema.load_state_dict(newest.tensors["ema"])
        self.execution.place(self.module)
        self.execution.place(self.ema)
        self.best = newest.tensors["best"]
        self.selection.load_state_dict(newest.tensors["selection"])
        checkpoint.restore_optimizer(
            self.optimizer, newest.tensors["optimizer"], plain=newest.optimizer_state
        )
        self.progress = newest.progress
