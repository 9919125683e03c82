"""The pretrained backbones that come into question, and their features of the pictures."""

import time

from ..dataset.augment import default_augmentations, parse_augmentations
from ..errors import UsageError
from ..network.classifier import Classifier
from ..network.named import describe_network
from ..network.spec import PREFIX
from ..transfer.backbones import backbone_lines, parts_of
from ..transfer.features import FeatureTable, seconds_per_picture
from ..transfer.linear_probe import sample
from ..transfer.pretrained import NetworkChoice, Pretrained, make_module
from .job import Job, Request, timed

MINUTES = 4.0
"""Most time for features of a further backbone, unless accuracy is preferred."""

SHARE = 1 / 3
"""Where minutes are asked for, the same as a share of them."""


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


@timed("features")
def feature_tables(job: Job, request: Request) -> dict[str, FeatureTable]:
    """Features of training and validation pictures by each backbone, the fastest first.

    Raises `UsageError` where none is as fast as is asked for.
    """
    lines = request.backbones or backbone_lines(job.options.network, request.choice)
    if not request.backbones:
        lines = _fast_enough(job, request.choice, lines)
    examples = job.dataset.examples("train"), job.dataset.examples("val")
    learnt = sample(examples[0], seed=job.options.data.seed), examples[1]
    tables: dict[str, FeatureTable] = {}
    begun = time.monotonic()
    for number, line in enumerate(lines):
        parts = [tables.get(part) for part in parts_of(line)]
        known = [part for part in parts if part is not None]
        if number and len(known) == len(parts):
            tables[line] = FeatureTable.joined(known)
            continue
        if number == 1 and not request.backbones:
            seconds = (time.monotonic() - begun) * _work(job, line) / _work(job, lines[0])
            if not _has_time(job, line, seconds=seconds):
                break
        tables[line] = FeatureTable.compute(
            _pretrained(job, request.choice, line), learnt, progress=job.callback.progress
        )
    return tables


def _pretrained(job: Job, choice: NetworkChoice, line: str) -> Pretrained:
    module = build_module(job, line, weights=choice.weights)
    assert isinstance(module, Pretrained)  # noqa: S101
    return module


def _work(job: Job, line: str) -> int:
    """Multiplications per picture."""
    size, classes = job.dataset.store.size, len(job.dataset.classes)
    return describe_network(line, size, classes=classes).total().multiplications


def _has_time(job: Job, line: str, *, seconds: float) -> bool:
    """Whether a further backbone's features may take so long; if not, it is said."""
    minutes = job.options.budget.minutes
    most = 60 * (MINUTES if minutes is None else SHARE * minutes)
    if seconds <= most or job.options.network.prefer == "accuracy":
        return True
    job.callback.say(
        f"frozen:  {line.removeprefix(PREFIX)} is not tried: its features would take "
        f"{seconds / 60:.0f} minutes (--prefer accuracy takes them)"
    )
    return False


def _fast_enough(job: Job, choice: NetworkChoice, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Those that answer within the milliseconds asked for; all where none are. `UsageError`."""
    most = job.options.network.milliseconds
    if most is None:
        return lines
    took: dict[str, float] = {}
    for line in lines:
        parts = parts_of(line)
        took[line] = (
            sum(took[part] for part in parts)
            if len(parts) > 1 and set(parts) <= set(took)
            else 1000 * seconds_per_picture(_pretrained(job, choice, line), job.dataset.store.size)
        )
    names = ", ".join(f"{line.removeprefix(PREFIX)} {ms:.0f} ms" for line, ms in took.items())
    job.callback.say(f"speed:   per picture on one core: {names}")
    fast = tuple(line for line, ms in took.items() if ms <= most)
    if not fast:
        raise UsageError(
            f"--milliseconds {most:g}: no backbone answers so fast on one core of this machine "
            f"({names}): allow more, or take a smaller --size"
        )
    return fast
