"""Options of training: defaults that depend on the pictures, presets, and what is refused."""

from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from convlens.errors import UsageError
from convlens.options import STAGES, DataOptions, TrainKeywords, options_from


def test_no_more_is_held_out_than_suffices() -> None:
    assert DataOptions().fractions(2000) == (0.2, 0.1)
    assert DataOptions().fractions(1_000_000) == (0.01, 0.002)
    assert DataOptions(test_fraction=0.0, val_fraction=0.3).fractions(1_000_000) == (0.0, 0.3)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"epochs": 3, "minutes": 2.0}, "one of --epochs, --minutes"),
        ({"epoch": 3}, "no option 'epoch'"),
        ({"epochs": 0}, "--epochs 0: it can be 1 to"),
        ({"epochs": "3"}, "--epochs '3': it takes a value of type int"),
        ({"optimizer": "sgd"}, "--optimizer sgd: it can be auto, gd"),
        ({"test_fraction": 0.6, "val_fraction": 0.5}, "nothing to train on"),
    ],
)
def test_wrong_options_say_what_is_right(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        options_from(values)


def test_a_preset_is_behind_what_is_given() -> None:
    plain = options_from({"preset": "quick"})
    assert (plain.network.network, plain.network.weights) == ("quick", "none")
    assert plain.budget.epochs == 8
    asked = options_from({"preset": "quick", "minutes": 2.0, "batch": "64"})
    assert (asked.budget.minutes, asked.budget.epochs) == (2.0, None)
    assert asked.optimizer.batch == "64"
    assert asked.loss.label_smoothing == plain.loss.label_smoothing == 0.2
    assert options_from(plain.flat()) == plain  # as a resumed run reads it
    with pytest.raises(UsageError, match="--preset slow: it can be quick"):
        options_from({"preset": "slow"})


def test_the_keywords_of_train_are_the_options() -> None:
    options = {
        field.name: get_type_hints(stage)[field.name]
        for stage in STAGES.values()
        for field in fields(stage)
    }
    assert get_type_hints(TrainKeywords) == {"preset": str | None} | options
