"""Every option of training, one frozen dataclass per stage, free of torch.

The command line is made from these fields: a default and its help stand here and nowhere else.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Literal, TypedDict, TypeVar, get_args, get_type_hints

from .errors import UsageError

Phase = TypeVar("Phase")


def option(
    default: Any,
    help: str,  # noqa: A002
    *,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """A field with its help text and what it may be."""
    return field(
        default=default,
        metadata={"help": help, "choices": choices, "least": least, "most": most},
    )


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which pixels, and which pictures are held out."""

    size: int | None = option(
        None, "side in pixels that pictures are squashed to", choices=(), least=8, most=4096
    )
    test_fraction: float | None = option(
        None,
        "share held out for the final figures; the default is 0.2, no more than 10,000",
        choices=(),
        least=0,
        most=0.9,
    )
    val_fraction: float | None = option(
        None,
        "share on which choices are made; the default is 0.1, no more than 2,000",
        choices=(),
        least=0,
        most=0.9,
    )
    folds: int | None = option(
        None,
        "judge every picture once by so many trainings that leave it out, and learn from all; the "
        "default is 5 for fewer than 1,000 pictures and pretrained features as they are, else 1: a "
        "part is held out",
        choices=(),
        least=1,
        most=100,
    )
    group: str | None = option(
        None,
        "regular expression on a picture's path: pictures in which it finds the same (patient, "
        "module, burst) stay in one split",
    )
    background: str | None = option(
        None,
        "add a class 'background', so that an answer can be none of the others: a folder with "
        "pictures of other things (parts of the labelled pictures are added), or 'parts' alone",
    )
    seed: int = option(
        0, "makes splits, parameters and augmentation repeatable", choices=(), least=0, most=2**31
    )

    def fractions(self, pictures: int) -> tuple[float, float]:
        """Shares of so many pictures that are held out for the figures, and for choices.

        Unless asked for, no more than suffice: of 10,000 pictures the interval of an accuracy is
        a point wide at most, and the rest is better learnt from.
        """
        asked = (self.test_fraction, self.val_fraction)
        usual = (
            min(share, most / max(1, pictures)) for share, most in ((0.2, 10_000), (0.1, 2_000))
        )
        test, val = (a if a is not None else u for a, u in zip(asked, usual, strict=True))
        return test, val


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What is trained."""

    network: str = option(
        "auto", "one line of text, a name, timm:NAME, or auto; see 'convlens networks'"
    )
    weights: str = option(
        "auto",
        "initial parameters: none (random), package (ImageNet, from an installed package), hub "
        "(fetched by timm), a .safetensors FILE, or auto (package where it fits, else none)",
    )


AUGMENTATIONS = (
    "hflip",
    "vflip",
    "rot90",
    "shift",
    "crop",
    "mild-crop",
    "rotate",
    "colour",
    "cutout",
    "mixup",
    "cutmix",
)
"""What `--augment` may name; `convlens.dataset.augment` says what each does."""


@dataclass(frozen=True, kw_only=True)
class AugmentOptions:
    """How training pictures are varied."""

    augment: str | None = option(
        None,
        f"how training pictures are varied: any of {', '.join(AUGMENTATIONS)}; or none; the "
        "default is hflip,crop,rotate,colour, with mild-crop for crop in few epochs and with "
        "mixup,cutmix in many, with vflip where pretrained features cannot tell up from down",
    )


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What J is, besides the mean cross-entropy."""

    class_weights: str = option(
        "none",
        "balanced: each class counts alike, however few pictures",
        choices=("none", "balanced"),
    )
    label_smoothing: float | None = option(
        None,
        "share of the label spread over all classes; the default is 0.1, 0 for pretrained weights",
        choices=(),
        least=0,
        most=0.9,
    )
    l2: float = option(
        0.0, "L2: adds l2/2 × the sum of squared weights to J", choices=(), least=0, most=1
    )


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How J is lowered."""

    optimizer: str = option(
        "auto",
        "gd, momentum, rmsprop, adam, adamw, muon, or auto (muon, adamw for pretrained weights)",
        choices=("auto", "gd", "momentum", "rmsprop", "adam", "adamw", "muon"),
    )
    learning_rate: float | None = option(
        None, "highest learning rate", choices=(), least=1e-9, most=100
    )
    momentum: float = option(0.9, "for momentum", choices=(), least=0, most=0.9999)
    schedule: str = option(
        "cosine", "how the learning rate falls", choices=("cosine", "linear", "constant")
    )
    warmup: float | None = option(
        None,
        "share of the steps in which it first rises; the default is 0.05, 0.3 for pretrained "
        "weights",
        choices=(),
        least=0,
        most=0.9,
    )
    batch: str = option("auto", "pictures per step, full (all of them), or auto (64 or 256)")


@dataclass(frozen=True, kw_only=True)
class BudgetOptions:
    """How long."""

    epochs: int | None = option(
        None, "passes over the training pictures", choices=(), least=1, most=1_000_000
    )
    minutes: float | None = option(
        None,
        "time for training, instead of epochs; the default depends on the pictures",
        choices=(),
        least=0.01,
        most=100_000,
    )
    steps: int | None = option(
        None,
        "updates of the parameters, instead of epochs; repeats a run",
        choices=(),
        least=0,
        most=10**9,
    )

    @property
    def given(self) -> bool:
        """Whether any of them was asked for."""
        return not self.epochs is self.minutes is self.steps is None


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """How answers follow from probabilities; thresholds are set on validation pictures."""

    coverage: float | None = option(
        None,
        "share of pictures that get an answer; the least sure ones are 'unsure'",
        choices=(),
        least=0.01,
        most=1,
    )
    recall: str | None = option(
        None, "LABEL=SHARE: find this share of that class, at the price of false alarms"
    )
    balance: str = option(
        "auto",
        "every class counts alike, however few its pictures; auto: where the largest has 4 times "
        "the smallest and nothing else is asked for",
        choices=("auto", "off"),
    )
    costs: str | None = option(
        None, "TRUE>PREDICTED=COST, with commas between: what mistakes cost; others cost 1"
    )


@dataclass(frozen=True)
class ExecutionConfig:
    """How arithmetic is done: nothing here changes what is computed but for rounding.

    Args:
        device: `cpu`, or `gpu` for what PyTorch has as its accelerator.
        precision: of products: `float32`, or `bfloat16` (autocast over float32 parameters).
        memory_format: of feature maps and filters: `channels_first` (NCHW) or `channels_last`
            (NHWC).
        kernel: `default` (PyTorch's own), or `products` (filters' gradients of small maps are
            computed as matrix products).
    """

    device: Literal["cpu", "gpu"]
    precision: Literal["float32", "bfloat16"]
    _: KW_ONLY
    memory_format: Literal["channels_first", "channels_last"] = "channels_first"
    kernel: Literal["default", "products"] = "default"

    @property
    def name(self) -> str:
        """What `--compute` and a run's record call it."""
        return next(name for name, config in EXECUTION_CONFIGS.items() if config == self)


EXECUTION_CONFIGS = {
    "float32": ExecutionConfig("cpu", "float32"),
    "float32-last": ExecutionConfig("cpu", "float32", memory_format="channels_last"),
    "float32-last-products": ExecutionConfig(
        "cpu", "float32", memory_format="channels_last", kernel="products"
    ),
    "bfloat16": ExecutionConfig("cpu", "bfloat16"),
    "bfloat16-last": ExecutionConfig("cpu", "bfloat16", memory_format="channels_last"),
    "bfloat16-last-products": ExecutionConfig(
        "cpu", "bfloat16", memory_format="channels_last", kernel="products"
    ),
    "gpu-float32": ExecutionConfig("gpu", "float32"),
    "gpu-float32-last": ExecutionConfig("gpu", "float32", memory_format="channels_last"),
    "gpu-bfloat16": ExecutionConfig("gpu", "bfloat16"),
    "gpu-bfloat16-last": ExecutionConfig("gpu", "bfloat16", memory_format="channels_last"),
}
"""The configurations that can be asked for, by name."""
CPU_CONFIGS = tuple(config for config in EXECUTION_CONFIGS.values() if config.device == "cpu")
GPU_CONFIGS = tuple(config for config in EXECUTION_CONFIGS.values() if config.device == "gpu")


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """How the processor is used; nothing here changes what is computed but for rounding."""

    compute: str = option(
        "auto",
        "precision, memory layout, how filters' gradients of small maps are computed, processor or "
        "GPU; auto times all that there are and takes the fastest",
        choices=("auto", *EXECUTION_CONFIGS),
    )
    threads: int | None = option(
        None, "processor threads; the default is all cores", choices=(), least=1, most=1024
    )


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """All stages together. Field names are distinct across stages."""

    data: DataOptions = DataOptions()
    network: NetworkOptions = NetworkOptions()
    augment: AugmentOptions = AugmentOptions()
    loss: LossOptions = LossOptions()
    optimizer: OptimizerOptions = OptimizerOptions()
    budget: BudgetOptions = BudgetOptions()
    answer: AnswerOptions = AnswerOptions()
    compute: ComputeOptions = ComputeOptions()

    def flat(self) -> dict[str, Any]:
        """Every option by its own name."""
        return {
            name: value
            for stage in fields(self)
            for name, value in dataclasses.asdict(getattr(self, stage.name)).items()
        }


class TrainKeywords(TypedDict, total=False):
    """The options of `train` as keywords, so that editors and type checkers know them.

    Its keys are the fields of the dataclasses above, and `preset`; a test holds them together.
    """

    preset: str | None
    size: int | None
    test_fraction: float | None
    val_fraction: float | None
    folds: int | None
    group: str | None
    background: str | None
    seed: int
    network: str
    weights: str
    augment: str | None
    class_weights: str
    label_smoothing: float | None
    l2: float
    optimizer: str
    learning_rate: float | None
    momentum: float
    schedule: str
    warmup: float | None
    batch: str
    epochs: int | None
    minutes: float | None
    steps: int | None
    coverage: float | None
    recall: str | None
    balance: str
    costs: str | None
    compute: str
    threads: int | None


STAGES: dict[str, type[Any]] = get_type_hints(TrainOptions)

PRESETS: dict[str, dict[str, Any]] = {
    "quick": {
        "network": "quick",
        "weights": "none",
        "epochs": 8,
        "batch": "512",
        "optimizer": "muon",
        "learning_rate": 0.02,
        "schedule": "linear",
        "label_smoothing": 0.2,
        "augment": "hflip,shift",
    }
}
"""Sets of options by name, for `--preset`; what is given beside it counts more."""


def options_from(values: Mapping[str, Any]) -> TrainOptions:
    """Options by name; what is left out takes its default. Raises `UsageError` on a wrong one."""
    left = _with_preset(values)
    stages = {}
    for name, stage in STAGES.items():
        given = {f.name: left.pop(f.name) for f in fields(stage) if f.name in left}
        for option_field in fields(stage):
            if option_field.name in given:
                check(stage, option_field.name, value=given[option_field.name])
        stages[name] = stage(**given)
    if left:
        raise UsageError(f"train has no option {', '.join(map(repr, left))}")
    made = TrainOptions(**stages)
    if sum(made.data.fractions(0)) >= 1:
        raise UsageError("--test-fraction and --val-fraction leave nothing to train on")
    budget = (made.budget.epochs, made.budget.minutes, made.budget.steps)
    if sum(part is not None for part in budget) > 1:
        raise UsageError("give one of --epochs, --minutes and --steps")
    answer = made.answer
    if sum(part is not None for part in (answer.coverage, answer.recall, answer.costs)) > 1:
        raise UsageError("give one of --coverage, --recall and --costs")
    return made


def _with_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """Options with those of `preset`, if there is one, behind them. Raises `UsageError`."""
    given = dict(values)
    preset = given.pop("preset", None)
    if preset is None:
        return given
    if preset not in PRESETS:
        raise UsageError(f"--preset {preset}: it can be {', '.join(PRESETS)}")
    usual = PRESETS[preset]
    budgets = {"epochs", "minutes", "steps"}
    if budgets & set(given):  # one of them is enough
        usual = {name: value for name, value in usual.items() if name not in budgets}
    return usual | given


def value_type(stage: type[Any], name: str) -> type[Any]:
    """The type of a field's value, `None` aside."""
    hint: type[Any] = get_type_hints(stage)[name]
    return next((kind for kind in get_args(hint) if kind is not type(None)), hint)


def check(stage: type[Any], name: str, *, value: Any) -> None:
    """Raise `UsageError` where a value is not what its field takes."""
    found = next(f for f in fields(stage) if f.name == name)
    flag = "--" + name.replace("_", "-")
    if value is None and found.default is None:
        return
    kind = value_type(stage, name)
    if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
        raise UsageError(f"{flag} {value!r}: it takes a value of type {kind.__name__}")
    choices = found.metadata["choices"]
    if choices and value not in choices:
        raise UsageError(f"{flag} {value}: it can be {', '.join(choices)}")
    least, most = found.metadata["least"], found.metadata["most"]
    if least is not None and not least <= value <= most:
        raise UsageError(f"{flag} {value}: it can be {least:g} to {most:g}")
