"""Labels of which each picture has one: names outside, indices inside."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import ConvlensError
from ...pictures.catalog import natural_key

UNEQUAL = 4
"""Classes are unequal where the largest has so many times the smallest's pictures."""


def classes_of(labels: Iterable[str], where: str) -> tuple[str, ...]:
    """The different labels in natural order: two or more.

    Raises a `ConvlensError` that lists what there is in `where`, in words, if they are fewer.
    """
    counts = Counter(labels)
    classes = tuple(sorted(counts, key=natural_key))
    if len(classes) < 2:
        listed = ", ".join(f"{name!r} ({counts[name]})" for name in classes)
        raise ConvlensError(
            f"a detector tells classes apart, and {where} has "
            f"{'one class only: ' + listed if listed else 'none'}; "
            "add a folder with pictures of something else"
        )
    return classes


def class_indices(labels: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Labels as indices into the classes [N]. Raises `ConvlensError` at a label that is none."""
    index = {name: k for k, name in enumerate(classes)}
    unknown = sorted(set(labels) - set(index))
    if unknown:
        raise ConvlensError(
            f"the detector knows {', '.join(map(repr, classes))}, and the pictures also "
            f"have {', '.join(map(repr, unknown))}: leave those out, or name the folders alike"
        )
    return np.array([index[label] for label in labels], np.int64)


def unequal(counts: Iterable[int]) -> bool:
    """Whether so many pictures per class are `UNEQUAL`; a class without any does not count."""
    numbers = [count for count in counts if count]
    return bool(numbers) and max(numbers) >= UNEQUAL * min(numbers)
