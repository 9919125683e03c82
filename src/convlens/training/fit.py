"""Training by a plan, from the model's first parameters or from the last checkpoint."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..dataset.augment import Augment, parse_augmentations
from ..dataset.batches import Batches, Order
from ..engine.callbacks import Callback
from ..engine.checkpoint import Progress
from ..engine.compute.execution import Execution
from ..engine.loop import Loop
from ..engine.measurement import predict_examples
from ..engine.step_plan import StepPlan
from ..errors import ConvlensError
from ..network.classifier import Classifier
from ..options import EXECUTION_CONFIGS
from ..tasks.learning import Objective
from ..transfer.features import FeatureTable
from ..transfer.linear_probe import set_head
from ..transfer.pretrained import Pretrained
from .backbones import build_module
from .budget import pace
from .cross_validation import OutOfFold, cross_validate_probes
from .job import Job, timed
from .model import Model
from .plan import RunPlan

Record = Callable[[int, StepPlan, str], None]
"""Called with the number of a training, 0 for the detector's own, its steps as revised, and why."""


@dataclass(frozen=True)
class Fitted:
    """A module with the best parameters, on the processor, and how training went.

    `plan` is what it came to on the way, and `objective` what was lowered. `val_logits` [N, K] of
    the validation pictures are in the precision of training. `out_of_fold` are the answers where
    every picture was left out once. `beside` are the features of backbones that stayed as they
    were, beside one that was fine-tuned; `compared` are the figures of all as they were and of what
    was fine-tuned, where validation pictures chose between them.
    """

    module: Classifier
    progress: Progress
    _: KW_ONLY
    plan: RunPlan
    objective: Objective
    val_logits: Tensor
    finished: bool
    out_of_fold: OutOfFold | None = None
    beside: FeatureTable | None = None
    compared: dict[str, dict[str, Any]] | None = None

    @property
    def as_begun(self) -> bool:
        """Whether the pretrained features stayed as they were, as nothing beat them."""
        return self.module.pretrained and self.progress.best_step == 0


@timed("fitting", "fitting the head")
def as_it_is(job: Job, model: Model, *, plan: RunPlan) -> Fitted:
    """The pretrained features as they are, under a head that learnt from all that is not tested.

    (Of very many training pictures, from some.) Its C is chosen by then, so every picture may help.
    The logits for validation pictures come from a head without them.
    """
    probe = model.probe
    assert probe is not None  # noqa: S101
    assert isinstance(model.module, Pretrained)  # noqa: S101
    set_head(model.module, probe.head_of_all())
    return Fitted(
        model.module,
        Progress(),
        plan=plan,
        objective=probe.objective,
        val_logits=probe.val_logits(),
        finished=True,
        out_of_fold=cross_validate_probes(job, model.probes) if model.folds > 1 else None,
    )


def begin(job: Job, plan: RunPlan, *, module: Classifier, training: int, record: Record) -> Loop:
    """The loop before its first step. `record` is called where its steps become others."""
    examples, seed = job.dataset.examples("train"), job.options.data.seed
    order = Order(len(examples), min(plan.batch, len(examples)), seed=seed)
    augment = Augment(parse_augmentations(plan.augment), seed)
    return Loop(
        module,
        Batches(examples, order, augment=augment, micro_batch=module.micro_batch),
        val=job.dataset.examples("val"),
        objective=job.objective(pretrained=plan.pretrained),
        options=job.options.optimizer,
        plan=plan.steps_of(training),
        execution=Execution(EXECUTION_CONFIGS[plan.compute], plan.threads),
        seed=seed,
        revise=pace(job, plan, record=partial(record, training)),
        workers=job.workers,
        stopwatch=job.stopwatch,
    )


def begin_anew(job: Job, training: int, *, plan: RunPlan, record: Record) -> Loop:
    """The loop of one more training by the same plan, such as a fold's, in this process alone."""
    module = build_module(job, plan.network, weights=plan.weights)
    return begin(job.alone(), plan, module=module, training=training, record=record)


@timed("training")
def fit(
    job: Job,
    model: Model,
    *,
    plan: RunPlan,
    checkpoints: Path,
    stop: Callable[[], bool],
    on_begin: Callable[[Loop], None],
    record: Record,
    callbacks: Sequence[Callback] = (),
) -> Fitted:
    """Train to the plan's end, or until `stop()`. Raises `ConvlensError` where J explodes.

    Where `checkpoints` holds some, training goes on from the last sound one. `on_begin` is called
    before the first step, and `record` where the steps become others, to be in time; `callbacks`
    hear of the training beside the job's own.
    """
    if isinstance(model.module, Pretrained) and model.probe is not None:
        set_head(model.module, model.probe.head())
    loop = begin(job, plan, module=model.module, training=0, record=record)
    if loop.restore(checkpoints, job.callback.warn):
        job.callback.say(f"going on after step {loop.progress.step:,} of {plan.step_plan.steps:,}")
    on_begin(loop)
    finished = loop.run(checkpoints, [job.callback, *callbacks], stop=stop)
    loop.module.load_state_dict(loop.best)
    val = job.dataset.examples("val")
    logits = torch.zeros(0, len(job.dataset.classes))
    if len(val) and job.workers.first:
        logits = predict_examples(loop.module, val, execution=loop.execution)
        if not torch.isfinite(logits).all():
            raise ConvlensError(
                "training ended in numbers that are not finite: try a lower --learning-rate"
            )
    return Fitted(
        loop.module.cpu(),
        loop.progress,
        plan=plan.with_steps(0, loop.plan),
        objective=loop.objective,
        val_logits=logits,
        finished=finished,
    )
