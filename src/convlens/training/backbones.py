"""The pretrained backbones that come into question, and their features of the pictures."""

from collections.abc import Callable, Mapping

from ..dataset.augment import default_augmentations, parse_augmentations
from ..dataset.examples import Examples
from ..errors import UsageError
from ..network.classifier import Classifier
from ..network.spec import PREFIX, parts_of
from ..transfer.backbones import backbone_lines, by_speed, further_lines
from ..transfer.features import Extraction, FeatureTable, seconds_per_picture
from ..transfer.linear_probe import LinearProbe, sample
from ..transfer.pretrained import IDENTITY, NetworkChoice, Pretrained
from .job import Job, Request, timed

REST = 10.0
"""Seconds that fitting heads takes, and making, proving and writing a detector."""

MINUTES = 4.0
"""Most time for features of a further backbone, unless accuracy is preferred."""

SHARE = 1 / 3
"""Where minutes are asked for, the same as a share of them."""


def build_module(job: Job, network: str, *, weights: str) -> Classifier:
    """The module of a network (as text or `timm:NAME`) as it is before the first step."""
    dataset, options = job.dataset, job.options
    choice = NetworkChoice(network, weights)
    augmentations = options.augment.augment or default_augmentations(
        dataset.store.size, pretrained=choice.pretrained
    )
    return choice.module(
        dataset.store.size,
        classes=len(dataset.classes),
        seed=options.data.seed,
        moments=IDENTITY if choice.pretrained else dataset.examples("train").moments(),
        tta_hflip="hflip" in parse_augmentations(augmentations),
    )


def probes_by_backbone(
    job: Job, request: Request, fit: Callable[[FeatureTable], LinearProbe]
) -> tuple[dict[str, FeatureTable], dict[str, LinearProbe]]:
    """Features by each backbone, and a probe that `fit` makes on them, the fastest first.

    Where what is usually tried leaves much to gain, the rest of the installed ones is tried too.
    Raises `UsageError` where none is as fast as is asked for.
    """
    tables: dict[str, FeatureTable] = {}
    probes: dict[str, LinearProbe] = {}

    def add(lines: tuple[str, ...]) -> None:
        tables.update(_feature_tables(job, request, lines, known=tables))
        for line in lines:
            table = table_of(line, tables)
            if table is not None:
                probes[line] = fit(table)

    options, choice = job.options.network, request.choice
    if request.backbones:
        add(request.backbones)
    else:
        add(_fast_enough(job, choice, backbone_lines(options, choice)))
        further = further_lines(options, choice, probes)
        if further and options.milliseconds is None:
            add(further)
    return tables, {line: probes[line] for line in by_speed(probes)}


def table_of(line: str, tables: Mapping[str, FeatureTable]) -> FeatureTable | None:
    """A backbone's features, or those of joined ones; None where some are missing."""
    parts = parts_of(line)
    return FeatureTable.joined([tables[p] for p in parts]) if set(parts) <= set(tables) else None


@timed("features")
def _feature_tables(
    job: Job, request: Request, lines: tuple[str, ...], *, known: Mapping[str, FeatureTable]
) -> dict[str, FeatureTable]:
    """Features of training and validation pictures by those of these backbones that need be asked.

    Joined ones need not, where their parts are, or are `known`. Each part has a table of its own.
    """
    pictures, _ = learnt_and_held_out(job)
    pending: dict[str, Extraction] = {}
    seconds: dict[str, float] = {}
    for line in lines:
        if set(parts_of(line)) <= {*pending, *known}:
            continue
        extraction = Extraction(_pretrained(job, request.choice, line), pictures)
        seconds[line] = extraction.seconds()
        further = bool(pending or known) and not request.backbones
        if further and not _has_time(job, line, seconds=seconds[line]):
            break
        pending[line] = extraction
    if not request.folds and pending:
        tell = _tell_further if known else _tell_wait
        tell(job, sum(seconds[line] for line in pending))
    progress = job.callback.progress
    return {
        part: FeatureTable(pictures.rows, (features,))
        for line, extraction in pending.items()
        for part, features in zip(parts_of(line), extraction.table(progress).parts, strict=True)
    }


def learnt_and_held_out(job: Job) -> tuple[Examples, int]:
    """The pictures whose features are needed, and how many of them, the last, are for validation.

    Of very many training pictures, some are drawn.
    """
    split, labels = job.dataset.split, job.dataset.catalog.labels
    train, val = split.rows("train"), split.rows("val")
    train = sample(train, [labels[row] for row in train], seed=job.options.data.seed)
    return job.dataset.examples_of(train + val), len(val)


def _tell_further(job: Job, seconds: float) -> None:
    """Why more backbones are tried, and what that takes, where nobody asked for minutes."""
    if job.options.budget.minutes is None:
        job.callback.say(
            f"frozen:  much is left to gain, so what else is installed is tried too ({seconds:.0f} "
            "s of features; --prefer speed does without)"
        )


def _tell_wait(job: Job, seconds: float) -> None:
    """How long the whole will take, where features take so long; no word where it is in time."""
    minutes = job.options.budget.minutes
    whole = sum(job.stopwatch.seconds().values()) + seconds + REST
    if minutes is not None:
        if whole > 60 * minutes:
            job.callback.warn(
                f"features of these pictures alone take about {seconds / 60:.1f} minutes, so that "
                f"the whole takes longer than --minutes {minutes:g}: a smaller --size, or fewer "
                "pictures, would keep to it"
            )
        return
    job.callback.say(
        f"time:    about {whole / 60:.1f} minutes, {seconds / 60:.1f} of them for features; "
        "fine-tuning, where it is worth trying, comes on top"
    )


def _pretrained(job: Job, choice: NetworkChoice, line: str) -> Pretrained:
    module = build_module(job, line, weights=choice.weights)
    assert isinstance(module, Pretrained)  # noqa: S101
    return module


def _has_time(job: Job, line: str, *, seconds: float) -> bool:
    """Whether a further backbone's features may take so long; if not, it is said."""
    minutes = job.options.budget.minutes
    most = 60 * (MINUTES if minutes is None else SHARE * minutes)
    if seconds <= most or job.options.network.prefer == "accuracy":
        return True
    job.callback.say(
        f"frozen:  {line.removeprefix(PREFIX)} is not tried: its features would take "
        f"{seconds:.0f} s, and there are {most:.0f} for them (--prefer accuracy takes them)"
    )
    return False


def _fast_enough(job: Job, choice: NetworkChoice, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Those that answer within the milliseconds asked for; all where none are. `UsageError`."""
    most = job.options.network.milliseconds
    if most is None:
        return lines
    took = tell_speed(job, choice, lines)
    names = _in_words(took)
    fast = tuple(line for line, ms in took.items() if ms <= most)
    if not fast:
        raise UsageError(
            f"--milliseconds {most:g}: no backbone answers so fast on one core of this machine "
            f"({names}): allow more, or take a smaller --size"
        )
    return fast


def tell_speed(job: Job, choice: NetworkChoice, lines: tuple[str, ...]) -> dict[str, float]:
    """Say and return the milliseconds that each takes for a picture on one core.

    Joined ones take what their parts take.
    """
    took: dict[str, float] = {}
    for line in lines:
        parts = parts_of(line)
        took[line] = (
            sum(took[part] for part in parts)
            if len(parts) > 1 and set(parts) <= set(took)
            else 1000 * seconds_per_picture(_pretrained(job, choice, line), job.dataset.store.size)
        )
    job.callback.say(f"speed:   per picture on one core: {_in_words(took)}")
    return took


def _in_words(took: dict[str, float]) -> str:
    return ", ".join(f"{line.removeprefix(PREFIX)} {ms:.0f} ms" for line, ms in took.items())
