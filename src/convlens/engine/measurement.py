"""What validation pictures say about parameters, and what is told of it."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor

from ..dataset.examples import Examples
from ..network.classifier import Classifier
from ..tasks.learning import Objective
from .compute.execution import Execution
from .distributed import SINGLE_PROCESS, Workers


@dataclass(frozen=True)
class Validation:
    """The cross-entropy [N] of each validation picture in nats, and the share of right answers."""

    losses: Tensor
    accuracy: float

    @property
    def loss(self) -> float:
        """The mean over the pictures."""
        return self.losses.mean().item()


@dataclass(frozen=True)
class Measurement:
    """J and accuracy at one moment of training.

    `cost_train` is the mean since the moment before, None where no step lies between; the other two
    are None where there are no validation pictures. `waiting` is the share of the steps so far that
    went into making pictures ready; `best` tells that the parameters are kept.
    """

    step: int
    epoch: float
    _: KW_ONLY
    cost_train: float | None
    cost_val: float | None
    accuracy_val: float | None
    learning_rate: float
    pictures_per_second: float
    seconds: float
    best: bool
    waiting: float = 0.0


def predict_examples(
    module: Classifier,
    examples: Examples,
    *,
    execution: Execution,
    workers: Workers = SINGLE_PROCESS,
) -> Tensor:
    """Logits [N, K] in float32 for pictures as evaluation sees them; workers share them out."""
    module.eval()
    if not len(examples):
        return torch.zeros(0, examples.classes)
    micro_batches = np.array_split(
        np.arange(len(examples)), -(-len(examples) // module.micro_batch)
    )
    logits_NK = torch.zeros(len(examples), examples.classes)
    for number in workers.share(len(micro_batches)):
        with torch.inference_mode(), execution.precision():
            images = execution.inputs(examples.images(micro_batches[number]))
            logits = module(images).float().cpu()
        logits_NK[torch.from_numpy(micro_batches[number])] = logits
    return workers.all_reduce(logits_NK)


def validate(
    module: Classifier,
    examples: Examples,
    *,
    objective: Objective,
    execution: Execution,
    workers: Workers = SINGLE_PROCESS,
) -> Validation:
    """The losses and the accuracy of a module on pictures, of which there is one at least.

    Losses are those at the temperature which suits the pictures best: mixed pictures and smoothed
    labels make the best networks the least sure, and a temperature is fitted at the end anyway.
    """
    logits_NK = predict_examples(module, examples, execution=execution, workers=workers)
    labels_N = examples.targets(np.arange(len(examples)))
    calibrated_NK = logits_NK / objective.temperature(logits_NK, labels_N)
    return Validation(
        objective.losses(calibrated_NK, labels_N), objective.accuracy(logits_NK, labels_N)
    )
