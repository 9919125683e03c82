"""Have the pictures an upright side? Pretrained features tell, or they cannot."""

import numpy as np
import torch

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
    """Share of pictures that a linear head on features tells rightly from themselves upside down.

    Cross-validated, each picture in one fold with its twin.
    """
    spread = np.linspace(0, len(examples) - 1, min(PICTURES, len(examples))).astype(np.int64)
    upright = examples.pixels[examples.rows[spread]]
    labels = np.repeat(np.arange(2), len(spread))
    pixels = np.ascontiguousarray(np.concatenate((upright, upright[:, ::-1])))
    pictures = Examples(pixels, np.arange(len(pixels)), labels=labels, classes=2)
    features = torch.from_numpy(features_of(module, pictures, progress=progress))
    groups = torch.arange(len(spread)).repeat(2)
    both = FeatureSet((features,), torch.from_numpy(labels), groups=groups)
    fold = folds(both.labels, groups, seed=seed)
    numbers = sorted(set(fold.tolist()))
    used = fold != torch.tensor(numbers)[:, None]
    (heads,) = fit_heads(both, used, objective=plain_objective(2), C=[C], iterations=50)
    right = 0
    for k, head in zip(numbers, heads, strict=True):
        judged = both.take(fold == k)
        predicted = head.logits(judged.pooled()).argmax(1)
        right += int((predicted == judged.labels).sum())
    return right / len(pixels)
