"""Sparse connections proved by perturbation: what lies outside of a field changes nothing.

`receptive_field` says from the layers alone on which inputs an output can depend; here torch shows
it.
"""

import copy
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor, nn

from ....network.build import build
from ....network.classifier import Classifier
from ....network.layers import Pool
from ....network.spec import Network
from ...receptive_field import middle, receptive_field


@dataclass(frozen=True)
class Proof:
    """How much one output changes with the inputs inside and outside of its receptive field.

    `inside` and `outside` are numbers of inputs.
    """

    layer: str
    inside: int
    _: KW_ONLY
    outside: int
    change_outside: float
    change_inside: float


def first_layers(module: Classifier, depth: int) -> nn.Sequential:
    """The first layers of a network, by number."""
    assert isinstance(module.layers, nn.Sequential)  # noqa: S101
    return module.layers[:depth]


def perturb(network: Network, module: Classifier, *, depth: int, pixels_CHW: Tensor) -> Proof:
    """Replace all inputs outside of the middle output's field, then all inside; in float64.

    With direct arithmetic, which torch uses in float64 on processors, an output is a sum over its
    own inputs, so the change is exactly 0; fast algorithms (Winograd, FFT) compute many outputs
    together and leak rounding.

    Args:
        network: The layers.
        module: The same layers with parameters.
        depth: How many of the layers lie between the inputs and the output.
        pixels_CHW: A picture.
    """
    layers = network.all_layers[:depth]
    shape = network.in_shape
    for layer in layers:
        shape = layer.out_shape(shape)
    unit = middle(shape)
    mask = torch.from_numpy(receptive_field(layers, network.in_shape, unit=unit))
    part = copy.deepcopy(first_layers(module, depth)).double().eval()
    plain = pixels_CHW.double()
    noise = torch.rand(plain.shape, generator=torch.Generator().manual_seed(1)).double() * 7
    with torch.inference_mode():

        def output(pixels: Tensor) -> float:
            return float(part(pixels[None])[0][unit])

        before = output(plain)
        change_outside = abs(output(torch.where(mask, plain, noise)) - before)
        change_inside = abs(output(torch.where(mask, noise, plain)) - before)
    return Proof(
        str(layers[-1]),
        int(mask.sum()),
        outside=int((~mask).sum()),
        change_outside=change_outside,
        change_inside=change_inside,
    )


def prove(network: Network, module: Classifier | None = None, *, seed: int = 0) -> list[Proof]:
    """`perturb` for every convolution and pooling, up to the first layer that gives no maps.

    Without a module, parameters are random.
    """
    module = module or build(network, seed)
    pixels = torch.rand(network.in_shape, generator=torch.Generator().manual_seed(seed))
    proofs = []
    shape = network.in_shape
    for depth, layer in enumerate(network.all_layers, 1):
        connects = layer.counts(shape).multiplications or isinstance(layer, Pool)
        shape = layer.out_shape(shape)
        if len(shape) != 3:
            break
        if connects:
            proofs.append(perturb(network, module, depth=depth, pixels_CHW=pixels))
    return proofs
