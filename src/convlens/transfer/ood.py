"""How unlike the training pictures a picture is, by what their features leave unexplained.

A picture of neither class still has a most probable class, often a very probable one. But its
features reach out of the space that the training pictures' features span (Wang et al. 2022, ViM).
"""

import numpy as np
import torch
from torch import Tensor, nn

from ..dataset.examples import Examples
from ..dataset.random import generator
from ..progress import Progress
from .coordinates import Coordinates
from .features import FeatureTable, features_of
from .head import FeatureSet, folds
from .mixing import first_alone
from .pretrained import Pretrained

DIRECTIONS = 64
"""Most directions that are counted as usual."""
USUAL = 0.99
"""Share of pictures like the training ones whose strangeness is at most 1."""
MOST = 2000
"""Training pictures from whose features the usual directions come."""


class Strangeness(nn.Module):
    """Features [N, D] to strangeness [N]: above 1 a picture is called strange.

    It is the length of the features' part outside the usual directions about the mean, in units of
    the length that 1 % of pictures like the training ones exceed.
    """

    mean: Tensor
    usual: Tensor
    unit: Tensor

    def __init__(self, mean_D: Tensor, usual_DR: Tensor, *, unit: float) -> None:
        super().__init__()
        self.register_buffer("mean", mean_D)
        self.register_buffer("usual", usual_DR)
        self.register_buffer("unit", torch.tensor(unit))

    def forward(self, features_ND: Tensor) -> Tensor:
        """[N, D] to [N]."""
        away_ND = features_ND - self.mean
        rest_ND = away_ND - away_ND @ self.usual @ self.usual.T
        return rest_ND.square().sum(1).sqrt() / self.unit


def _usual(features_ND: Tensor) -> Strangeness:
    directions = min(DIRECTIONS, len(features_ND) // 2)
    own = Coordinates.of(features_ND)
    usual_DR = own.axes[:, len(own.variances) - directions :].contiguous()
    return Strangeness(own.mean, usual_DR, unit=1.0)


def fit_strangeness(features_ND: Tensor, groups_N: Tensor, *, seed: int) -> Strangeness:
    """From the features of training pictures; its unit from folds, each left out once.

    Where all are of one group, which folds would not part, they are parted all the same: the unit
    is then that of pictures like these.
    """
    if len(groups_N.unique()) < 2:  # type: ignore[no-untyped-call]
        groups_N = torch.arange(len(groups_N))
    fold = folds(torch.zeros(len(features_ND), dtype=torch.int64), groups_N, seed=seed)
    lengths = [
        _usual(features_ND[fold != k])(features_ND[fold == k])
        for k in sorted(set(fold.tolist()))
        if (fold != k).any()
    ]
    strangeness = _usual(features_ND)
    if lengths:
        unit = float(np.quantile(torch.cat(lengths).numpy(), USUAL, method="higher"))
        strangeness.unit.fill_(max(unit, 1e-6))
    return strangeness


def strangeness_of(
    module: Pretrained,
    train: Examples,
    *,
    known: FeatureSet | None,
    beside: FeatureTable | None = None,
    seed: int,
    progress: Progress,
) -> Strangeness:
    """For a network as it is now, from its features of at most `MOST` training pictures.

    `known` holds these features of all, where the network is as it began. Of joined backbones, of
    which only the first is no longer as it was, `beside` holds those of the others.
    """
    if beside is not None:  # of very many pictures it has some
        train = train.take(np.flatnonzero(np.isin(train.rows, beside.rows)))
    count = len(train) if known is None else len(known.labels)
    some = np.sort(generator(seed, "usual").permutation(count)[:MOST])
    if known is None:
        train = train.take(some)
        groups = np.arange(len(some)) if train.groups is None else train.groups
        changed = module if beside is None else first_alone(module)
        features = torch.from_numpy(features_of(changed, train, progress=progress))
        others = () if beside is None else beside.of(train).parts
        known = FeatureSet(
            (features, *others), torch.from_numpy(train.labels), groups=torch.from_numpy(groups)
        )
    else:
        known = known.take(torch.from_numpy(some))
    return fit_strangeness(known.pooled(), known.groups, seed=seed)
