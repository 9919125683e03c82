"""The options of training, one frozen dataclass per stage, free of torch.

The command line is made from these fields: a default and its help stand here and nowhere else.
"""

import dataclasses
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from .execution import EXECUTION_CONFIGS
from .log import LogOptions
from .option import option
from .teacher import TeacherOptions


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which pixels, and which pictures are held out."""

    size: int | None = option(
        None,
        "side of the resized pictures",
        auto="the network's, or by the pictures",
        metavar="PIXELS",
        basic=True,
        least=8,
        most=4096,
    )
    test_fraction: float | None = option(
        None,
        "share held out for the final metrics",
        auto="0.2, 10,000 pictures at most",
        metavar="SHARE",
        least=0,
        most=0.9,
    )
    val_fraction: float | None = option(
        None,
        "share held out for choices on the way",
        auto="0.1, 2,000 pictures at most",
        metavar="SHARE",
        least=0,
        most=0.9,
    )
    folds: int | None = option(
        None,
        "parts for cross-validation: each is left out once; 1 holds out one part",
        auto="5 with pretrained features, unless pictures or classes are many; else 1",
        metavar="N",
        least=1,
        most=100,
    )
    group: str | None = option(
        None,
        "paths with the same match (patient, burst) stay in one split",
        metavar="REGEX",
        basic=True,
    )
    background: str | None = option(
        None,
        "add a class 'background' of other pictures; 'parts': only from yours",
        metavar="FOLDER",
        basic=True,
    )
    boxes: str | None = option(
        None,
        "how boxes are written, where that cannot be told, as coco or table,xywh",
        metavar="WORDS",
    )
    seed: int = option(
        0, "for splits, parameters and augmentation", metavar="N", basic=True, least=0, most=2**31
    )

    def fractions(self, pictures: int) -> tuple[float, float]:
        """Shares of so many pictures that are held out for the final metrics, and for choices.

        Unless asked for, no more than suffice: of 10,000 pictures the interval of an accuracy is
        a point wide at most, and the rest is better learnt from.
        """
        given = (self.test_fraction, self.val_fraction)
        usual = (
            min(share, most / max(1, pictures)) for share, most in ((0.2, 10_000), (0.1, 2_000))
        )
        test, val = (g if g is not None else u for g, u in zip(given, usual, strict=True))
        return test, val


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What is trained."""

    network: str = option(
        "auto",
        "a line of text or a name: see 'convlens networks'",
        auto="by what is installed, and the pictures",
        metavar="NETWORK",
        basic=True,
    )
    weights: str = option(
        "auto",
        "initial parameters: none (random), package, hub or FILE.safetensors",
        auto="package where it fits, else none",
        metavar="WEIGHTS",
    )
    prefer: str = option(
        "balance",
        "of several pretrained backbones: speed takes the fastest, accuracy the best; balance a "
        "slower one where it is clearly better; of boxes: whether mirror images count too, where "
        "they are quick by default",
        choices=("speed", "balance", "accuracy"),
        metavar="NAME",
    )
    milliseconds: float | None = option(
        None,
        "most time per picture that a pretrained backbone may take on one core of this machine",
        auto="any",
        metavar="MS",
        least=0.1,
        most=100_000,
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
        f"any of {', '.join(AUGMENTATIONS)}; or none",
        auto="hflip,crop,rotate,colour; others by pictures and epochs",
        metavar="WAY,…",
    )


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What J is, besides the mean cross-entropy."""

    class_weights: str = option(
        "none",
        "weights of classes in J",
        metavar="NAME",
        choices=("none", "balanced"),
    )
    label_smoothing: float | None = option(
        None,
        "share of a label spread over all classes",
        auto="0.1; 0 if pretrained",
        metavar="SHARE",
        least=0,
        most=0.9,
    )
    l2: float = option(
        0.0,
        "L2 penalty: adds NUMBER/2 × the sum of squared weights to J",
        metavar="NUMBER",
        least=0,
        most=1,
    )


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How J is lowered."""

    optimizer: str = option(
        "auto",
        "rule for updates",
        auto="muon; adamw if pretrained",
        metavar="NAME",
        choices=("auto", "gd", "momentum", "rmsprop", "adam", "adamw", "muon"),
    )
    learning_rate: float | None = option(
        None,
        "highest learning rate",
        auto="by optimizer and batch",
        metavar="RATE",
        least=1e-9,
        most=100,
    )
    momentum: float = option(
        0.9, "of the optimizer that is called momentum", metavar="NUMBER", least=0, most=0.9999
    )
    schedule: str = option(
        "cosine",
        "how the learning rate falls",
        metavar="NAME",
        choices=("cosine", "linear", "constant"),
    )
    warmup: float | None = option(
        None,
        "share of the steps in which the learning rate rises",
        auto="0.05; 0.3 if pretrained",
        metavar="SHARE",
        least=0,
        most=0.9,
    )
    batch: str = option(
        "auto", "pictures per step; full: all of them", auto="64, or 256", metavar="N|full"
    )


@dataclass(frozen=True, kw_only=True)
class BudgetOptions:
    """How long: give one of these at most."""

    epochs: int | None = option(
        None, "passes over the training pictures", metavar="N", basic=True, least=1, most=1_000_000
    )
    minutes: float | None = option(
        None,
        "time for the whole, from the pictures to the report",
        auto="by the pictures",
        metavar="MINUTES",
        basic=True,
        least=0.01,
        most=100_000,
    )
    steps: int | None = option(
        None, "updates of the parameters: repeats a run exactly", metavar="N", least=0, most=10**9
    )

    @property
    def given(self) -> bool:
        """Whether any of them was asked for."""
        return not self.epochs is self.minutes is self.steps is None

    @property
    def by_time(self) -> bool:
        """Whether time bounds the steps, be it what was asked for or what is usual."""
        return self.epochs is self.steps is None


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """How answers follow: give one of these at most."""

    coverage: float | None = option(
        None,
        "share of pictures to answer; the least sure are 'unsure'",
        metavar="SHARE",
        basic=True,
        least=0.01,
        most=1,
    )
    recall: str | None = option(
        None,
        "find this share of that class, at the price of false alarms",
        metavar="LABEL=SHARE",
        basic=True,
    )
    precision: str | None = option(
        None,
        "of boxes: let this share of that class's answers be right",
        metavar="LABEL=SHARE",
    )
    balance: str = option(
        "auto",
        "every class counts alike in answers",
        auto="where the largest class has 4 times the smallest, and nothing else or "
        "--class-weights is asked for",
        metavar="auto|off",
        choices=("auto", "off"),
    )
    costs: str | None = option(
        None,
        "what mistakes cost, with commas between; others cost 1",
        metavar="TRUE>PREDICTED=COST",
    )

    @property
    def balances(self) -> bool:
        """Whether every class counts alike where classes are unequal."""
        asked = self.coverage is not None or self.recall is not None or self.costs is not None
        return self.balance == "auto" and not asked


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """How the machine is used; results differ by rounding alone."""

    compute: str = option(
        "auto",
        "precision, memory layout, kernels and device",
        auto="the fastest, timed",
        metavar="NAME",
        choices=("auto", *EXECUTION_CONFIGS),
    )
    threads: int | None = option(
        None, "processor threads", auto="all cores", metavar="N", least=1, most=1024
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
    teacher: TeacherOptions = dataclasses.field(default_factory=TeacherOptions)
    compute: ComputeOptions = ComputeOptions()
    log: LogOptions = LogOptions()  # noqa: RUF009  (it is frozen)

    def __post_init__(self) -> None:
        """Where training balances the classes, answers are not balanced once more."""
        if self.loss.class_weights == "balanced":
            object.__setattr__(self, "answer", dataclasses.replace(self.answer, balance="off"))

    @property
    def balances(self) -> bool:
        """Whether every class counts alike where classes are unequal, in training or in answers."""
        return self.answer.balances or self.loss.class_weights == "balanced"

    def given(self) -> tuple[str, ...]:
        """The names of the options that are not as they are by default, in order."""
        usual = type(self)().flat()
        return tuple(name for name, value in self.flat().items() if value != usual[name])

    def flat(self) -> dict[str, Any]:
        """Every option by its own name."""
        return {
            name: value
            for stage in fields(self)
            for name, value in dataclasses.asdict(getattr(self, stage.name)).items()
        }


STAGES: dict[str, type[Any]] = get_type_hints(TrainOptions)
