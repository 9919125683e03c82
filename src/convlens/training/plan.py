"""What is decided before the first step, by rules: no clock runs here."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ..dataset.augment import default_augmentations
from ..engine.model_selection import HARD, MIN_VAL_EXAMPLES
from ..engine.step_plan import StepPlan
from ..errors import UsageError
from ..network.spec import parts_of
from ..pictures.label import normal_label
from ..transfer.mixing import first_alone
from ..transfer.orientation import ALIKE, orientation_probe
from ..transfer.pretrained import NetworkChoice, Pretrained
from .job import Job, learning_from
from .model import Model
from .schedule import Schedule

MANY = 20_000
"""From so many training pictures on, random parameters get larger batches: there are steps enough,
and the optimizer's own work, the same for any batch, is done less often."""
BATCH, BATCH_OF_MANY = 64, 256
NO_STEPS = StepPlan()


@dataclass(frozen=True, kw_only=True)
class RunPlan(Schedule):
    """All decisions of a run, recorded in `run.json`; a resumed run keeps to them.

    A `time` is that of each training; steps of a fold's are in `fold_steps` where they became
    others.
    """

    size: int
    network: str
    weights: str
    augment: str
    folds: int = 1
    backbones: tuple[str, ...] = ()
    fold_steps: tuple[StepPlan, ...] = ()

    @property
    def choice(self) -> NetworkChoice:
        """The network and where its first parameters come from."""
        return NetworkChoice(self.network, self.weights)

    @property
    def pretrained(self) -> bool:
        """Whether the features were learnt elsewhere."""
        return self.choice.pretrained

    @property
    def trains(self) -> bool:
        """Whether there are steps to be taken, or, without any, random parameters to be kept."""
        return not self.pretrained or self.steps is None or self.steps.steps > 0

    @property
    def trainings(self) -> int:
        """How many there are: the detector's own, and with folds one without each."""
        return self.folds + 1 if self.folds > 1 and not self.pretrained else 1

    def steps_of(self, training: int) -> StepPlan:
        """The steps of a training: 0 is the detector's own, 1 that without the first fold."""
        known = dict(enumerate(self.fold_steps, 1))
        return known.get(training, self.step_plan)

    def with_steps(self, training: int, steps: StepPlan) -> "RunPlan":
        """The same with other steps for one training."""
        if training == 0:
            return replace(self, steps=steps)
        before = tuple(map(self.steps_of, range(1, training)))
        return replace(self, fold_steps=(*before, steps))

    @staticmethod
    def from_record(record: dict[str, Any]) -> "RunPlan":
        """Back from `dataclasses.asdict`, by way of JSON. Raises `KeyError` or `TypeError`."""
        settled = {
            "fold_steps": tuple(map(StepPlan.from_record, record["fold_steps"])),
            "backbones": tuple(record["backbones"]),
        }
        return RunPlan(**{**Schedule.decoded(record), **settled})


def make_plan(job: Job, model: Model) -> RunPlan:
    """What the options, the pictures and the probe decide; the first worker decides for all.

    Raises `UsageError` where the options do not fit the pictures.
    """
    record = job.workers.broadcast(lambda: asdict(_decide(job, model)))
    return RunPlan.from_record(record)


def _decide(job: Job, model: Model) -> RunPlan:
    options, workers = job.options, job.workers
    pretrained, micro_batch = model.choice.pretrained, model.module.micro_batch
    size = job.dataset.store.size
    learner = job if pretrained else learning_from(job, model.folds)
    pictures = len(learner.dataset.examples("train"))
    batch = batch_size(
        options.optimizer.batch,
        pictures,
        usual=BATCH if pretrained or pictures < MANY else BATCH_OF_MANY,
        least=workers.world_size * micro_batch,
    )
    workers.check_batch(batch, micro_batch)
    plan = RunPlan(
        size=size,
        network=model.architecture.text,
        weights=model.choice.weights,
        augment=options.augment.augment or default_augmentations(size, pretrained=pretrained),
        batch=batch,
        threads=options.compute.threads or workers.cores(),
        folds=model.folds,
        backbones=model.backbones,
        workers=workers.world_size,
    )
    return _for_pretrained(job, model, plan=plan) if pretrained else plan


def _for_pretrained(job: Job, model: Model, *, plan: RunPlan) -> RunPlan:
    """Whether fine-tuning is tried, and whether pictures may be turned upside down for it."""
    budget = job.options.budget
    if budget.steps == 0:
        return replace(plan, steps=NO_STEPS)
    why_not = _why_not_tune(job, model)
    if why_not and (budget.by_time or _nobody_to_find(job)):
        job.callback.say(f"plan:    no fine-tuning, as {why_not}")
        return replace(plan, steps=NO_STEPS)
    if why_not:
        taken = "cannot win" if len(job.dataset.split.rows("val")) else "is taken in any case"
        job.callback.say(f"plan:    fine-tuning as asked, which {taken}, as {why_not}")
    module = model.module
    assert isinstance(module, Pretrained)  # noqa: S101
    if job.options.augment.augment is None:
        if len(parts_of(model.architecture.text)) > 1:  # the first is what is fine-tuned
            module = first_alone(module)
        with job.stopwatch.part("features"):
            accuracy = orientation_probe(
                module,
                job.dataset.examples("train"),
                seed=job.options.data.seed,
                progress=job.callback.progress,
            )
        if accuracy <= ALIKE:
            plan = replace(plan, augment=plan.augment + ",vflip")
            job.callback.say(f"augment: {plan.augment}, as up and down look alike ({accuracy:.0%})")
    return plan


def _nobody_to_find(job: Job) -> bool:
    """Whether a fine-tuned network could not be set to find the share of a class that is wanted."""
    label, _, share = (job.options.answer.recall or "").rpartition("=")
    labels = job.dataset.catalog.labels
    of_val = {labels[row] for row in job.dataset.split.rows("val")}
    return bool(share) and normal_label(label) not in of_val


def _why_not_tune(job: Job, model: Model) -> str:
    """Why fine-tuning is not worth its time; empty where it is."""
    val = len(job.dataset.split.rows("val"))
    if val < MIN_VAL_EXAMPLES:
        few = f"{val} validation pictures could not tell whether it helps"
        return f"{few} ({MIN_VAL_EXAMPLES} could)"
    if _nobody_to_find(job):
        return "no validation picture is of the class of which --recall wants a share"
    if job.options.budget.given or job.dataset.lessons is not None:
        return ""
    if model.probe is not None and (model.probe.loss or 0.0) < HARD:
        return "the features as they are leave little to gain (--minutes tries it all the same)"
    return ""


def batch_size(batch: str, pictures: int, *, usual: int, least: int) -> int:
    """Pictures per step: `auto` (`usual`, or `least`), `full`, or a number. Raises `UsageError`."""
    if batch == "full":
        return pictures
    if batch == "auto":
        return min(max(usual, least), pictures)
    if not batch.isdecimal() or int(batch) < 1:
        raise UsageError(f"--batch {batch}: it takes a number of pictures, full, or auto")
    return min(int(batch), pictures)
