"""Options of training by name, as keywords, command lines and records give them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypedDict, get_args, get_type_hints

from ..errors import UsageError
from .fields import STAGES, TrainOptions


class TrainKeywords(TypedDict, total=False):
    """The options of `train` as keywords, so that editors and type checkers know them.

    Its keys are the fields of `TrainOptions`'s stages, and `preset`; a test holds them together.
    """

    preset: str | None
    size: int | None
    test_fraction: float | None
    val_fraction: float | None
    folds: int | None
    group: str | None
    background: str | None
    boxes: str | None
    seed: int
    network: str
    weights: str
    prefer: str
    milliseconds: float | None
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
    precision: str | None
    balance: str
    costs: str | None
    teacher: str | None
    unlabelled: str | None
    temperature: float
    compute: str
    threads: int | None
    log: str | None


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
                check_option(stage, option_field.name, value=given[option_field.name])
        stages[name] = stage(**given)
    if left:
        raise UsageError(f"train has no option {', '.join(map(repr, left))}")
    options = TrainOptions(**stages)
    options.log.names()
    if sum(options.data.fractions(0)) >= 1:
        raise UsageError("--test-fraction and --val-fraction leave nothing to train on")
    budget = (options.budget.epochs, options.budget.minutes, options.budget.steps)
    if sum(part is not None for part in budget) > 1:
        raise UsageError("give one of --epochs, --minutes and --steps")
    answer = options.answer
    if sum(part is not None for part in (answer.coverage, answer.recall, answer.costs)) > 1:
        raise UsageError("give one of --coverage, --recall and --costs")
    if options.teacher.unlabelled is not None and options.teacher.teacher is None:
        raise UsageError("--unlabelled: a --teacher has to say what is in those pictures")
    usual = TrainOptions()
    if options.teacher != usual.teacher and options.teacher.teacher is None:
        raise UsageError("--temperature: it is that of a --teacher's probabilities")
    rule = options.optimizer
    if rule.momentum != usual.optimizer.momentum and rule.optimizer != "momentum":
        raise UsageError("--momentum: it is that of --optimizer momentum")
    return options


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


def check_named(**values: Any) -> None:
    """Raise `UsageError` where what is called as an option of training is not what that takes."""
    for name, value in values.items():
        stage = next(s for s in STAGES.values() if name in {f.name for f in fields(s)})
        check_option(stage, name, value=value)


def check_option(stage: type[Any], name: str, *, value: Any) -> None:
    """Raise `UsageError` where a value is not what its field takes."""
    option_field = next(f for f in fields(stage) if f.name == name)
    flag = "--" + name.replace("_", "-")
    if value is None and option_field.default is None:
        return
    kind = value_type(stage, name)
    if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
        raise UsageError(f"{flag} {value!r}: it takes a value of type {kind.__name__}")
    choices = option_field.metadata["choices"]
    if choices and value not in choices:
        raise UsageError(f"{flag} {value}: it can be {', '.join(choices)}")
    least, most = option_field.metadata["least"], option_field.metadata["most"]
    if least is not None and not least <= value <= most:
        raise UsageError(f"{flag} {value}: it can be {least:g} to {most:g}")
