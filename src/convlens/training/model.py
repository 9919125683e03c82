"""What is trained, before its first step: an architecture, its module, and a linear probe."""

from dataclasses import KW_ONLY, dataclass, replace

from ..dataset.augment import default_augmentations, parse_augmentations
from ..engine.model_selection import HARD
from ..network.classifier import Classifier
from ..network.named import describe_network, line_of
from ..network.spec import Architecture
from ..transfer.features import FeatureTable
from ..transfer.linear_probe import LinearProbe, fit_linear_probe, sample
from ..transfer.pretrained import NetworkChoice, Pretrained, make_module
from .job import Job, choose_folds, timed

WEIGHTS = {
    "none": "random, from the seed",
    "package": "ImageNet, from an installed package (Apache-2.0)",
    "hub": "fetched by timm",
}

TUNABLE = 500
"""With fewer pictures, the validation ones among them are too few to tell if fine-tuning helps."""


@dataclass(frozen=True)
class Model:
    """An architecture, its module with first parameters, and how it will be judged.

    `folds` is 1 where a part of the pictures is held out. `probe`, of pretrained features, is with
    the first worker only.
    """

    architecture: Architecture
    choice: NetworkChoice
    _: KW_ONLY
    module: Classifier
    folds: int
    probe: LinearProbe | None = None


@timed("building")
def build_model(job: Job, choice: NetworkChoice, *, folds: int | None = None) -> Model:
    """Build the module once, and fit a linear probe where its features are pretrained.

    Where no number of folds is given, it follows from the options, the pictures, and the probe.
    Raises `UsageError` where the options do not go together.
    """
    decided = folds is not None
    if folds is None:
        folds = choose_folds(job.options, job.dataset, pretrained=choice.pretrained)
    learnable = job.dataset.for_training() if folds > 1 else job.dataset
    size, pictures = job.dataset.store.size, len(learnable.examples("train"))
    architecture = describe_network(
        line_of(choice.line, size, pictures=pictures), size, classes=len(job.dataset.classes)
    )
    model = Model(
        architecture,
        choice,
        module=build_module(job.on(learnable), architecture.text, weights=choice.weights),
        folds=folds,
    )
    if not decided:
        _describe(job, model)
    if isinstance(model.module, Pretrained) and job.workers.first:
        learnt = sample(learnable.examples("train"), seed=job.options.data.seed)
        with job.stopwatch.part("features"):
            table = FeatureTable.compute(
                model.module, (learnt, learnable.examples("val")), progress=job.callback.progress
            )
        model = replace(model, probe=_probe(job.on(learnable), table))
        if not decided:
            model = _held_out_if_hard(job, model, table=table, pictures=pictures)
    return replace(model, folds=job.workers.broadcast(lambda: model.folds))


def build_module(job: Job, network: str, *, weights: str) -> Classifier:
    """The module of a network (as text or `timm:NAME`) as it is before the first step."""
    dataset, options = job.dataset, job.options
    mean, std = dataset.examples("train").moments()
    pretrained = NetworkChoice(network, weights).pretrained
    augmentations = options.augment.augment or default_augmentations(
        dataset.store.size, pretrained=pretrained
    )
    return make_module(
        network,
        dataset.store.size,
        classes=len(dataset.classes),
        seed=options.data.seed,
        mean=mean,
        std=std,
        weights=weights,
        tta_hflip="hflip" in parse_augmentations(augmentations),
    )


@timed("fitting")
def _probe(job: Job, table: FeatureTable) -> LinearProbe:
    seed = job.options.data.seed
    return fit_linear_probe(
        table.of(sample(job.dataset.examples("train"), seed=seed)),
        table.of(job.dataset.examples("val")),
        objective=job.objective(pretrained=True),
        seed=seed,
    )


def _held_out_if_hard(job: Job, model: Model, *, table: FeatureTable, pictures: int) -> Model:
    """Fine-tuning, which folds leave out, is tried where the features as they are do poorly."""
    assert model.probe is not None  # noqa: S101
    job.callback.say(
        f"frozen:  a linear head on fixed features has cost {model.probe.loss:.4f} on pictures "
        "that it was not fitted on"
    )
    tunable = model.folds > 1 and job.options.data.folds is None and pictures >= TUNABLE
    if not tunable or model.probe.loss < HARD:
        return model
    job.callback.say("folds:   none but a held-out part, as fine-tuning promises more here")
    return replace(model, folds=1, probe=_probe(job, table))


def _describe(job: Job, model: Model) -> None:
    text, table = model.architecture.text, model.architecture.describe()
    size = model.architecture.size
    job.callback.say(f"network: {text if len(text) <= 300 else text[:299] + '…'}")
    job.callback.say(
        f"         {table['parameters']:,} parameters, {table['multiplications']:,} "
        f"multiplications per picture, {size}×{size} pixels"
    )
    job.callback.say(f"weights: {WEIGHTS.get(model.choice.weights, model.choice.weights)}")
