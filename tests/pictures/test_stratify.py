"""Sets stay whole, and every split has its share of every class."""

import random
import warnings
from collections import Counter

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from convlens.pictures.splits import stratify

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.str_]
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}

sets_of_labels = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), max_size=40)


@given(sets_of_labels)
def test_every_class_is_learnt_and_where_it_can_be_it_is_judged(sets: list[list[str]]) -> None:
    splits = stratify(sets, SHARES)
    assert len(splits) == len(sets)
    of_label: dict[str, list[str]] = {}
    for labels, split in zip(sets, splits, strict=True):
        for label in set(labels):
            of_label.setdefault(label, []).append(split)
    for found in of_label.values():
        assert "train" in found
    if all(len(set(labels)) == 1 for labels in sets):
        assert all("test" in found for found in of_label.values() if len(found) > 1)


def test_shares_are_as_near_as_those_of_sklearn() -> None:
    """Over many made data sets with groups of several classes, on average and nearly always."""
    draw = random.Random(0)
    ours, theirs = [], []
    for _ in range(60):
        sets = [
            draw.choices("abc", [draw.random() ** 3 for _ in "abc"], k=draw.choice((1, 1, 5, 30)))
            for _ in range(draw.randint(10, 80))
        ]
        labels = np.array([label for labels in sets for label in labels])
        groups = np.array([number for number, labels in enumerate(sets) for _ in labels])

        def worst(held_out: Mask, labels: Labels = labels) -> float:
            """The largest difference of a class's share from a fifth."""
            return max(abs(float(held_out[labels == k].mean()) - 0.2) for k in set(labels))

        splits = np.array(stratify(sets, {"train": 0.8, "val": 0.0, "test": 0.2}))
        ours.append(worst(splits[groups] == "test"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
            rows = next(iter(folds.split(labels, labels, groups)))[1]
        theirs.append(worst(np.isin(np.arange(len(labels)), rows)))
    assert np.mean(ours) < np.mean(theirs)
    assert np.mean(np.array(ours) <= theirs) > 0.8


def test_large_groups_of_which_none_has_the_very_share_are_held_out_all_the_same() -> None:
    splits = stratify([["a", "b"] * 50] * 4, SHARES)
    assert Counter(splits) == {"train": 3, "test": 1}


def test_of_many_small_classes_validation_has_its_share() -> None:
    sets = [[f"{number // 3}"] for number in range(3000)]
    splits = Counter(stratify(sets, SHARES))
    assert splits["val"] == 300
    assert splits["test"] == 1000  # one of each class
