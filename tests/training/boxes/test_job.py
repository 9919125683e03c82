"""What is asked of a detector of boxes is refused before training where it could not be kept."""

from types import SimpleNamespace
from typing import cast

import pytest

from convlens.errors import UsageError
from convlens.options import AnswerOptions
from convlens.training.boxes.dataset import BoxDataset
from convlens.training.boxes.job import check_wanted


@pytest.mark.parametrize(
    ("counts", "recall", "precision", "says"),
    [
        ({"train": {"cat": 5, "dog": 5}, "val": {"cat": 2, "dog": 0}}, "dog=0.9", None, "dog: no"),
        ({"train": {"cat": 5, "dog": 5}}, "cat=0.9", None, "hold more out"),
        ({"val": {"cat": 2, "dog": 2}}, "cat=0.9", "dog=0.5,cat=0.5", "name 'cat', which has one"),
        ({"val": {"cat": 2, "dog": 2}}, "bird=0.9", None, "it takes LABEL=SHARE"),
    ],
)
def test_shares_by_which_no_threshold_could_be_chosen(
    counts: dict[str, dict[str, int]], recall: str | None, precision: str | None, says: str
) -> None:
    dataset = SimpleNamespace(classes=("cat", "dog"), counts=lambda: counts)
    options = AnswerOptions(recall=recall, precision=precision)
    with pytest.raises(UsageError, match=says):
        check_wanted(options, cast("BoxDataset", dataset))


def test_shares_that_held_out_pictures_can_choose_by_are_taken() -> None:
    counts = {"train": {"cat": 5, "dog": 5}, "test": {"cat": 2, "dog": 2}}
    dataset = SimpleNamespace(classes=("cat", "dog"), counts=lambda: counts)
    options = AnswerOptions(recall="cat=0.9", precision="dog=0.5")
    check_wanted(options, cast("BoxDataset", dataset))
