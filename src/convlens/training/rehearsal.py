"""A rehearsal before the first step: how long steps take, and all that follows them."""

import copy
import time
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial

from ..dataset.augment import AREA, Augment, parse_augmentations
from ..dataset.batches import Batches, Order
from ..detector.detector import Detector
from ..engine.compute.autotune import TuningCache, autotune, available_configs
from ..engine.compute.execution import Execution
from ..engine.compute.timing import fastest_seconds
from ..engine.loop import Loop
from ..engine.step_plan import StepPlan
from ..errors import UsageError
from ..export.export import export
from ..export.parity import PICTURES, seconds_within
from ..network.spec import Architecture, Network
from ..options import EXECUTION_CONFIGS
from ..transfer.ood import MOST
from .job import Job
from .model import Model
from .plan import RunPlan

LISTENED = 0.01
"""Share of the time for training in which steps are timed, for each side: on a shared machine a
slow moment would otherwise decide about the number of steps."""
FEWEST, MOST_TIMED = 16, {True: 16, False: 256}
"""Pictures of a timed step, for pretrained and random parameters: a part of a batch is enough to
tell configurations apart."""

PHASES = ((0.2, 0.75), (0.8, 1.0))
"""Shares of the steps and the side then, as a part of the side that training sees."""
CROPPED = 1.375
"""From random parameters: the side that answers come from, as a multiple of the one in training."""
SMALLEST_STAGED = 96
"""Below this side all steps see pictures in full."""
ANSWERED = 32
"""So many pictures are answered to see how long one takes."""


@dataclass(frozen=True)
class Timing:
    """What the clock said: the fastest configuration, and a step's seconds in each phase.

    `phases` are (share of the steps, side, seconds of a whole batch), and `measuring` the seconds
    for all validation pictures.
    """

    execution: Execution
    phases: tuple[tuple[float, int, float], ...]
    _: KW_ONLY
    measuring: float
    pictures_per_second: float
    why: str

    @property
    def mean_seconds(self) -> float:
        """Of a step, over all phases."""
        return sum(share * seconds for share, _, seconds in self.phases)


def time_steps(job: Job, model: Model, *, plan: RunPlan, seconds: float | None) -> Timing:
    """Time the configurations on the full side, then the fastest one on each phase's side.

    `seconds` are those for a training, None where its steps do not depend on the time; workers take
    the timed steps together.
    """
    least = min(plan.batch, FEWEST + (job.workers.world_size - 1) * model.module.micro_batch)
    most = min(plan.batch, MOST_TIMED[plan.pretrained])
    timed = least
    augment = Augment(parse_augmentations(plan.augment), job.options.data.seed)
    loops: dict[str, Loop] = {}

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            loops[name] = _rehearsal(
                job, model, plan=plan, execution=execution, timed=timed, augment=augment
            )
        loops[name].train_step(0)

    compute = job.options.compute.compute
    cache = TuningCache(
        plan.threads,
        model.architecture.text,
        plan.size,
        plan.pretrained,
        job.workers.world_size,
    )
    # all wait here, while the first one may still judge a detector that is not fine-tuned
    known = job.workers.broadcast(lambda: cache.get() if compute == "auto" else compute)
    configs = (EXECUTION_CONFIGS[known],) if known else available_configs()
    tune = partial(autotune, threads=plan.threads, step=step, workers=job.workers)
    each = 1.0 if seconds is None else min(1.0, LISTENED * seconds)
    if most > least:  # as many pictures as a step can see in the time for a configuration
        _, first = tune(configs[:1], seconds=0.0)
        timed = min(most, max(least, int(least * each / min(first.values()))))
        loops.clear()
    execution, fastest = tune(configs, seconds=each)
    if not known and job.workers.first:
        cache.put(execution.config.name)
    listened, picture = LISTENED * (seconds or 0.0), fastest[execution.config.name] / timed
    loop = loops[execution.config.name]
    phases = tuple(
        (share, side, _time_step(loop, side, seconds=listened, times=plan.batch / timed))
        for share, side in _sides(
            model.architecture, plan, cropped=bool(augment.augmentations & set(AREA))
        )
    )
    return Timing(
        execution,
        phases,
        # a third of a step's work, for a picture and its mirror image
        measuring=len(job.dataset.examples("val")) * picture * (1 + model.module.tta_hflip) / 3,
        pictures_per_second=1 / picture,
        why="the fastest before" if known else f"the fastest of {len(fastest)} timed",
    )


def _rehearsal(
    job: Job, model: Model, *, plan: RunPlan, execution: Execution, timed: int, augment: Augment
) -> Loop:
    """A loop of its own for timing, so that the model stays as it is."""
    examples, seed = job.dataset.examples("train"), job.options.data.seed
    order = Order(len(examples), timed, seed=seed)
    return Loop(
        copy.deepcopy(model.module),
        Batches(examples, order, augment=augment, micro_batch=model.module.micro_batch),
        val=job.dataset.examples("val"),
        objective=job.objective(pretrained=plan.pretrained),
        options=job.options.optimizer,
        plan=StepPlan.of(1, [(1.0, plan.size, 1.0)], measure_every=1),
        execution=execution,
        seed=seed,
        workers=job.workers,
    )


def _sides(architecture: Architecture, plan: RunPlan, *, cropped: bool) -> list[tuple[float, int]]:
    """Shares of the steps and the sides at which they see pictures.

    Crops enlarge what they show, so training sees smaller pictures than those that answers come
    from (Touvron et al. 2019). Small pictures are quick, and much can be learnt from them first
    (Tan and Le 2021). Where pictures are not cropped, or the network takes one side only, all steps
    see them in full.
    """
    if not cropped or not (plan.pretrained or architecture.any_side):
        return [(1.0, plan.size)]
    enlargement = plan.choice.enlargement if plan.pretrained else CROPPED
    if enlargement == 1:
        return [(1.0, plan.size)]
    side = _multiple(plan.size / enlargement)
    phases = [(1.0, side)]
    if not plan.pretrained and side >= SMALLEST_STAGED:
        phases = [(share, _multiple(side * part)) for share, part in PHASES]
    full = side if _fits(architecture, side) else plan.size
    return [(share, own if _fits(architecture, own) else full) for share, own in phases]


def _fits(architecture: Architecture, side: int) -> bool:
    """Whether every layer of a network of text has room on pictures of this side."""
    if not isinstance(architecture, Network):
        return True
    try:
        replace(architecture, size=side).total()
    except UsageError:
        return False
    return True


def _multiple(side: float, of: int = 16) -> int:
    return max(of, round(side / of) * of)


def _time_step(loop: Loop, size: int, *, seconds: float, times: float) -> float:
    """Seconds of a step on `times` as many pictures of a size, timed for so many seconds at least.

    What the optimizer takes does not depend on their number.
    """
    taken = fastest_seconds(
        lambda: loop.train_step(0, size=size),
        2,
        seconds=seconds,
        wait=loop.execution.wait,
        workers=loop.workers,
    )
    shares = loop.workers.broadcast(loop.timer.shares)
    fixed = shares["optimizer"] + shares["averages"]
    return taken * (fixed + (1 - fixed) * times)


def time_afterwards(job: Job, model: Model, *, plan: RunPlan) -> float:
    """Seconds of what follows the steps: exporting, proving the file, judging by it.

    The network is exported as it is, and the file answers for some pictures.
    """
    dataset, begun = job.dataset, time.perf_counter()
    file = export(
        copy.deepcopy(model.module),
        dataset.store.size,
        labels=dataset.classes,
        metadata={},
        objective=job.objective(pretrained=plan.pretrained),
    )
    detector = Detector(file)
    exporting = time.perf_counter() - begun
    some = dataset.subset(dataset.split.held_out).sources[:ANSWERED]
    begun = time.perf_counter()
    list(detector.predict_many(some))
    answer = (time.perf_counter() - begun) / len(some)
    answered = len(dataset.split.rows("train" if plan.folds > 1 else "test"))
    if plan.pretrained:  # the features that are usual
        answered += min(MOST, len(dataset.split.rows("train")))
    proving = min(seconds_within(job.options.budget.minutes), 2 * PICTURES * answer)
    return exporting + proving + answered * answer
