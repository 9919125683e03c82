"""Sparse connections on a network with parameters, as a section."""

from collections.abc import Sequence

import numpy as np
import torch

from ....network.build import build
from ....network.classifier import Classifier
from ....network.layers import Conv, Residual
from ....network.spec import Network
from ...pictures import brightness_map, picture_markup
from ...section import HOLDS, NOT, Claim, Figure, Section, Table
from .effective_field import EffectiveField, effective_field
from .perturbation import Proof, first_layers, prove


def section(network: Network, module: Classifier | None = None) -> Section:
    """The proof for every layer, and how much of the receptive field counts.

    Without a module, parameters are random.
    """
    proofs = prove(network, module)
    fields = _fields(network, module or build(network, 0))
    table = Table(
        "How much of it counts: gradients of the middle outputs (Luo et al. 2016)",
        ["layer", "effective field, side in pixels"],
        rows=[[field.layer, f"{field.side:.1f}"] for field in fields],
    )
    return Section(
        "sparsity",
        "Sparse connections",
        claims=[_claim(proofs)],
        tables=[table],
        figures=[_figure(fields[-1])] if fields else [],
        data={
            "proofs": [vars(proof) for proof in proofs],
            "effective": [{"layer": field.layer, "side": field.side} for field in fields],
        },
    )


def _fields(network: Network, module: Classifier) -> list[EffectiveField]:
    """The effective field of every convolution and residual block, over noise."""
    noise = torch.rand(8, *network.in_shape, generator=torch.Generator().manual_seed(0))
    layers = zip(network.all_layers, first_layers(module, len(network.all_layers)), strict=True)
    return [
        effective_field(module, part, name=str(layer), pixels_NCHW=noise)
        for layer, part in layers
        if isinstance(layer, Conv | Residual)
    ]


def _claim(proofs: Sequence[Proof]) -> Claim:
    most = max((proof.change_outside for proof in proofs), default=0.0)
    least = min((proof.change_inside for proof in proofs), default=0.0)
    return Claim(
        "Each output depends on the inputs of its receptive field and on no other",
        f"all inputs outside of it replaced, in {len(proofs)} layers: the output changes by "
        f"{most:g}; inside: by {least:.2g} or more",
        verdict=HOLDS if most == 0 else NOT,
        rule="holds where the change is exactly 0",
    )


def _figure(field: EffectiveField) -> Figure:
    return Figure(
        f"Where the picture counts for the middle of '{field.layer}': bright counts "
        "most (square root of the gradient's size).",
        picture_markup(brightness_map(np.sqrt(field.gradients)), 220),
    )
