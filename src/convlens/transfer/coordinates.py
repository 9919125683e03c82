"""Features along their principal axes, where a descent to the best head takes few steps."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 4096
"""Pictures that are moved at once: a copy of all would take much memory."""


@dataclass(frozen=True)
class Coordinates:
    """Positions about a mean [D] along axes [D, R], with the mean square along each [R].

    Axes are orthogonal, of length 1, and ordered by how much features vary along them, the most
    last. Where pictures are fewer than features there are only as
    many axes: the best head lies in the space that the pictures span.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor

    @staticmethod
    def of(*parts_ND: Tensor) -> "Coordinates":
        """The principal axes of these features, several of which count as side by side.

        Examples:
            >>> Coordinates.of(torch.tensor([[1.0, 0.0], [3.0, 0.0]])).variances
            tensor([0., 1.])
        """
        mean_D, count = torch.cat([part.mean(0) for part in parts_ND]), len(parts_ND[0])
        if count < len(mean_D):
            span_DR, upper = torch.linalg.qr((torch.cat(parts_ND, 1) - mean_D).T)
            variances_R, axes = _eigh(upper @ upper.T / count)
            return Coordinates(mean_D, span_DR @ axes, variances_R.clamp(min=0))
        away = (block - mean_D for block in _blocks(parts_ND))
        squares_DD = sum((block.T @ block for block in away), torch.zeros(()))
        variances_R, axes_DR = _eigh(squares_DD / count)
        return Coordinates(mean_D, axes_DR, variances_R.clamp(min=0))

    def project(self, *parts_ND: Tensor) -> Tensor:
        """[N, D] to [N, R]."""
        out = torch.empty(len(parts_ND[0]), self.axes.shape[1])
        for own, block in zip(torch.split(out, BLOCK), _blocks(parts_ND), strict=True):
            torch.matmul(block - self.mean, self.axes, out=own)
        return out

    def inwards(self, weight_KD: Tensor, bias_K: Tensor) -> tuple[Tensor, Tensor]:
        """A head on features as one on coordinates, [K, R] and [K]."""
        return weight_KD @ self.axes, bias_K + weight_KD @ self.mean

    def outwards(self, weight_KR: Tensor, bias_K: Tensor) -> tuple[Tensor, Tensor]:
        """A head on coordinates as one on features, [K, D] and [K]."""
        weight_KD = weight_KR @ self.axes.T
        return weight_KD, bias_K - weight_KD @ self.mean


def _blocks(parts_ND: tuple[Tensor, ...]) -> Iterator[Tensor]:
    """Some of the pictures after others, with all of their features side by side."""
    for some in zip(*(torch.split(part, BLOCK) for part in parts_ND), strict=True):
        yield torch.cat(some, 1)


def _eigh(symmetric_RR: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and vectors, where most are 0 too, as of pictures that show next to nothing."""
    try:
        values, vectors = torch.linalg.eigh(symmetric_RR)
    except RuntimeError:  # in float32 it may not converge then
        values, vectors = torch.linalg.eigh(symmetric_RR.double())
    return values.float(), vectors.float()
