"""Have the pictures an upright side? Pretrained features tell, or they cannot."""

import numpy as np
import torch

from .examples import BoxExamples
from .job import BoxJob, BoxPlan
from .network import BoxNetwork

PICTURES, FEWEST = 100, 20
"""Pictures that are turned upside down to find out; of fewer nobody could tell."""
ALIKE = 0.65
"""Share of right answers up to which up and down count as alike; 0.5 is guessing."""
FOLDS, C = 5, 0.03


def alike_upside_down(job: BoxJob, plan: BoxPlan, *, network: BoxNetwork) -> bool:
    """Whether pictures are turned upside down in training: where they look alike so."""
    with job.stopwatch.part("features"):
        job.callback.progress("looking whether up and down differ", 0, 1)
        torch.set_num_threads(plan.threads)
        share = told_from_upside_down(network, job.dataset.examples("train"))
    alike = share is not None and share <= ALIKE
    if alike:
        job.callback.say(f"augment: upside down too, as up and down look alike ({share:.0%})")
    return alike


def told_from_upside_down(network: BoxNetwork, examples: BoxExamples) -> float | None:
    """Share of pictures that a linear head tells rightly from themselves upside down.

    Cross-validated, each picture in one fold with its twin. None where there are too few.
    """
    if len(examples) < FEWEST:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    spread = np.linspace(0, len(examples) - 1, min(PICTURES, len(examples))).astype(np.int64)
    features = []
    with torch.inference_mode():
        for index in spread:
            rows, columns = (int(side) for side in examples.fitted[index])
            upright = examples.images(np.array([index]))[:, :, :rows, :columns]
            both = torch.cat((upright, upright.flip(2)))
            maps = network.backbone((both - network.mean) / network.std)
            features.append(maps[-1].mean((2, 3)).numpy())
    X = np.concatenate(features)
    y, groups = np.tile((0, 1), len(spread)), np.repeat(np.arange(len(spread)), 2)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=C))
    return float(cross_val_score(head, X, y, groups=groups, cv=GroupKFold(FOLDS)).mean())
