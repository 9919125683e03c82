"""Have the pictures an upright side? Pretrained features tell, or they cannot."""

import numpy as np
import torch

from ...transfer.orientation import ALIKE, spread, told_from_upside_down
from .examples import BoxExamples
from .job import BoxJob, BoxPlan
from .network import BoxNetwork

PICTURES, FEWEST = 100, 20
"""Pictures that are turned upside down to find out; of fewer nobody could tell."""


def alike_upside_down(job: BoxJob, plan: BoxPlan, *, network: BoxNetwork) -> bool:
    """Whether pictures are turned upside down in training: where they look alike so."""
    with job.stopwatch.part("features"):
        job.callback.progress("looking whether up and down differ", 0, 1)
        torch.set_num_threads(plan.threads)
        share = share_told(network, job.dataset.examples("train"), seed=job.options.data.seed)
    alike = share is not None and share <= ALIKE
    if alike:
        job.callback.say(f"augment: upside down too, as up and down look alike ({share:.0%})")
    return alike


def share_told(network: BoxNetwork, examples: BoxExamples, *, seed: int) -> float | None:
    """Share of pictures that are told from themselves upside down; None where they are too few."""
    if len(examples) < FEWEST:
        return None
    features = []
    with torch.inference_mode():
        for index in spread(len(examples), PICTURES):
            rows, columns = (int(side) for side in examples.fitted[index])
            upright = examples.images(np.array([index]))[:, :, :rows, :columns]
            both = torch.cat((upright, upright.flip(2)))
            maps = network.backbone((both - network.mean) / network.std)
            features.append(maps[-1].mean((2, 3)))
    both_2ND = torch.stack(features, 1)  # all upright, then all turned
    return told_from_upside_down(both_2ND.flatten(0, 1)[:, None], seed=seed)
