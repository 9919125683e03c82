"""Have the pictures an upright side? Pretrained features tell, or they cannot."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..dataset.examples import Examples
from ..progress import Progress
from ..tasks.classification.objective import plain_objective
from .features import features_of
from .head import FeatureSet, fit_heads, folds
from .pretrained import Pretrained

PICTURES = 200
"""Pictures that are turned upside down to find out."""
ALIKE = 0.65
"""Share of right answers up to which up and down count as alike; 0.5 is guessing."""
C = 0.03


def orientation_probe(
    module: Pretrained, examples: Examples, *, seed: int, progress: Progress
) -> float:
    """Share of pictures that a head on features tells rightly from themselves upside down."""
    upright = examples.pixels[examples.rows[spread(len(examples), PICTURES)]]
    pixels = np.ascontiguousarray(np.concatenate((upright, upright[:, ::-1])))
    rows = np.arange(len(pixels))
    pictures = Examples(pixels, rows, labels=np.zeros(len(pixels), np.int64), classes=2)
    features = torch.from_numpy(features_of(module, pictures, progress=progress))
    return told_from_upside_down(features, seed=seed)


def spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """The indices of so many at most, from all over."""
    return np.linspace(0, count - 1, min(most, count)).astype(np.int64)


def told_from_upside_down(features_NVD: Tensor, *, seed: int) -> float:
    """Share of pictures that a linear head tells rightly from themselves upside down.

    Cross-validated, each picture in one fold with its twin. The features of V views are those of
    the pictures as they are, and then of the same ones upside down.
    """
    count = len(features_NVD) // 2
    groups = torch.arange(count).repeat(2)
    both = FeatureSet((features_NVD,), torch.arange(2).repeat_interleave(count), groups=groups)
    fold = folds(both.labels, groups, seed=seed)
    numbers = sorted(set(fold.tolist()))
    used = fold != torch.tensor(numbers)[:, None]
    (heads,) = fit_heads(both, used, objective=plain_objective(2), C=[C], iterations=50)
    right = 0
    for k, head in zip(numbers, heads, strict=True):
        judged = both.take(fold == k)
        predicted = head.logits(judged.pooled()).argmax(1)
        right += int((predicted == judged.labels).sum())
    return right / len(features_NVD)
