"""What is trained, before its first step: an architecture, its module, and linear probes."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

import torch

from ..network.classifier import Classifier
from ..network.named import describe_network, line_of
from ..network.spec import PREFIX, Architecture
from ..transfer.backbones import choose_backbone
from ..transfer.features import FeatureTable
from ..transfer.head import FOLDS
from ..transfer.linear_probe import LinearProbe, fit_linear_probe
from ..transfer.pretrained import NetworkChoice
from ..transfer.weights import Origin, learnt_by_a_run
from .backbones import (
    build_module,
    learnt_and_held_out,
    probes_by_backbone,
    table_of,
    tell_speed,
)
from .job import Job, Request, choose_folds, learning_from, timed


@dataclass(frozen=True)
class Model:
    """An architecture, its module with first parameters, and how it will be judged.

    `folds` is 1 where a part of the pictures is held out. `backbones` are the pretrained ones that
    were compared, the fastest first. The first worker has a probe on the features of each, of which
    `probe` is that of the one taken, and `tables` of the features of each, and of no joined ones.
    """

    architecture: Architecture
    choice: NetworkChoice
    _: KW_ONLY
    module: Classifier
    folds: int
    backbones: tuple[str, ...] = ()
    probes: tuple[LinearProbe, ...] = ()
    probe: LinearProbe | None = None
    tables: Mapping[str, FeatureTable] = field(default_factory=dict)

    @property
    def table(self) -> FeatureTable | None:
        """The features of the one taken; None where another worker has them."""
        return table_of(self.architecture.text, self.tables)

    @property
    def pretrained(self) -> bool:
        """Whether the features were learnt elsewhere."""
        return self.choice.pretrained

    @property
    def origin(self) -> Origin:
        """Where the first parameters come from."""
        return self.choice.origin(self.architecture.classes)


@timed("building", "building the network")
def build_model(job: Job, request: Request) -> Model:
    """Build the module once, and fit linear probes where features are pretrained.

    Of several backbones, the pictures choose. Where no number of folds is given, it follows from
    the options and the pictures. Raises `UsageError` where the options do not go together.
    """
    # the last bits of sums depend on it, and a resumed run shall end in the same ones
    torch.set_num_threads(request.threads or job.options.compute.threads or job.workers.cores())
    choice, folds = request.choice, request.folds
    if folds is None:
        folds = choose_folds(job.options, job.dataset, choice=choice)
        if learnt_by_a_run(choice.weights):
            job.callback.warn(
                f"{choice.weights} may have learnt from some of these pictures: the figures are "
                "true where its run held out the same ones, by the same --seed"
            )
    job = learning_from(job, folds)
    if not choice.pretrained:
        model = _model(job, choice, folds=folds)
        if request.folds is None:
            _tell(job, model)
        return model
    tables: dict[str, FeatureTable] = {}
    by_line: dict[str, LinearProbe] = {}
    if job.workers.first:
        fit = partial(fit_probe, job, folds=folds)
        tables, by_line = probes_by_backbone(job, request, fit)
    probes = tuple(by_line.values())
    lines = job.workers.broadcast(lambda: tuple(by_line))
    taken = job.workers.broadcast(lambda: choose_backbone(probes, job.options.network.prefer))
    model = _model(job, replace(choice, line=lines[taken]), folds=folds)
    model = replace(model, backbones=lines)
    if probes:
        model = replace(model, probes=probes, probe=probes[taken], tables=tables)
    if request.folds is None:
        _tell(job, model)
        slower = model.architecture.text != lines[0]
        if slower and job.options.network.milliseconds is None:
            with job.stopwatch.part("timing"):
                tell_speed(job, choice, lines)
    return model


def chosen_without_test(job: Job, model: Model) -> Model:
    """The same for pictures of which some are held out to judge it, or another backbone.

    With folds, all pictures decide which one is taken: those that are held out for what is
    fine-tuned may not.
    """
    if model.folds == 1:
        return model
    lines, tables = model.backbones, model.tables
    fit, prefer = partial(fit_probe, job, folds=1), job.options.network.prefer
    probes = tuple(fit(table) for line in lines if (table := table_of(line, tables)))
    taken = job.workers.broadcast(lambda: choose_backbone(probes, prefer))
    if lines[taken] != model.architecture.text:
        job.callback.say(
            f"tuning:  {lines[taken].removeprefix(PREFIX)}, which is chosen by pictures that will "
            "not judge it"
        )
        model = _model(job, replace(model.choice, line=lines[taken]), folds=1)
        model = replace(model, backbones=lines, tables=tables)
    return replace(model, folds=1, probes=probes, probe=probes[taken] if probes else None)


def _model(job: Job, choice: NetworkChoice, *, folds: int) -> Model:
    size, pictures = job.dataset.store.size, len(job.dataset.examples("train"))
    line = line_of(choice.line, size, pictures=pictures)
    architecture = describe_network(line, size, classes=len(job.dataset.classes))
    module = build_module(job, architecture.text, weights=choice.weights)
    return Model(architecture, choice, module=module, folds=folds)


@timed("fitting", "fitting heads")
def fit_probe(job: Job, table: FeatureTable, *, folds: int) -> LinearProbe:
    """A linear probe for these pictures as they are divided."""
    pictures, held_out = learnt_and_held_out(job)
    return fit_linear_probe(
        table.of(pictures),
        objective=job.objective(pretrained=True),
        seed=job.options.data.seed,
        held_out=held_out,
        count=folds if folds > 1 else FOLDS,
        nested=folds > 1,
    )


def _tell(job: Job, model: Model) -> None:
    """What was chosen, and what it costs."""
    say, text = job.callback.say, model.architecture.text
    table, size = model.architecture.describe(), model.architecture.size
    say(f"network: {text if len(text) <= 300 else text[:299] + '…'}")
    again = ", as many again for its mirror image" if model.module.tta_hflip else ""
    say(
        f"         {table['parameters']:,} parameters, {table['multiplications']:,} "
        f"multiplications per picture{again}; {size}×{size} pixels"
    )
    say(f"weights: {model.origin}")
    count, probe = len(job.dataset.examples("train")), model.probe
    if probe is not None and probe.count < count:
        say(
            f"frozen:  heads learn from {probe.count:,} of {count:,} training pictures, drawn "
            "class by class, as they learn little from more"
        )
    for line, probe in zip(model.backbones, model.probes, strict=False):
        if probe.loss is None:
            say(f"frozen:  {line.removeprefix(PREFIX)}, whose head no picture is left to judge")
            continue
        cost = f"cost {probe.loss:.4f} on pictures that the head was not fitted on"
        kept = ", taken" if line == text and len(model.probes) > 1 else ""
        say(f"frozen:  {line.removeprefix(PREFIX)} under a linear head: {cost}{kept}")
