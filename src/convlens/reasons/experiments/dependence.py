"""Sparse connections on a real network: proved by perturbation, and what truly counts within them.

`sparsity` says from the layers alone which inputs an output can depend on; here torch shows it.
"""

import copy
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...network.build import Classifier, build
from ...network.layers import Conv, Pool, Residual
from ...network.spec import Network
from ..pictures import brightness_map, picture_markup
from ..section import HOLDS, NOT, Claim, Figure, Section, Table
from ..sparsity import inputs_of, middle

EDGE = 1 - 0.9545
"""Luo et al. 2016: an input counts where its gradient is above this share of the largest."""


@dataclass(frozen=True)
class Proof:
    """What changing inputs did to one output: outside of its field, and inside."""

    layer: str
    inside: int
    _: KW_ONLY
    outside: int
    change_outside: float
    change_inside: float


def _mapping(layers: nn.Module, depth: int) -> nn.Sequential:
    assert isinstance(layers, nn.Sequential)  # noqa: S101
    return layers[:depth]


def perturb(network: Network, module: Classifier, *, depth: int, pixels_CHW: Tensor) -> Proof:
    """Replace all inputs outside of the middle output's field, then all inside; float64.

    With direct arithmetic, which torch uses in float64 on processors, an output is a sum over its
    own inputs, so the change is exactly 0; fast algorithms (Winograd, FFT) compute many outputs
    together and leak rounding.
    """
    layers = network.all_layers[:depth]
    shape = network.in_shape
    for layer in layers:
        shape = layer.out_shape(shape)
    unit = middle(shape)
    mask = torch.from_numpy(inputs_of(layers, network.in_shape, unit=unit))
    part = copy.deepcopy(_mapping(module.layers, depth)).double().eval()
    plain = pixels_CHW.double()
    noise = torch.rand(plain.shape, generator=torch.Generator().manual_seed(1)).double() * 7
    with torch.inference_mode():

        def answer(pixels: Tensor) -> float:
            return float(part(pixels[None])[0][unit])

        first = answer(plain)
        outside = abs(answer(torch.where(mask, plain, noise)) - first)
        inside = abs(answer(torch.where(mask, noise, plain)) - first)
    return Proof(
        str(layers[-1]),
        int(mask.sum()),
        outside=int((~mask).sum()),
        change_outside=outside,
        change_inside=inside,
    )


def prove(network: Network, module: Classifier | None = None, *, seed: int = 0) -> list[Proof]:
    """`perturb` for every layer that gives feature maps and does not see the whole picture."""
    module = module or build(network, seed)
    pixels = torch.rand(network.in_shape, generator=torch.Generator().manual_seed(seed))
    found = []
    shape = network.in_shape
    for depth, layer in enumerate(network.all_layers, 1):
        works = layer.counts(shape).multiplications or isinstance(layer, Pool)
        shape = layer.out_shape(shape)
        if len(shape) != 3:
            break
        if works:
            found.append(perturb(network, module, depth=depth, pixels_CHW=pixels))
    return found


@dataclass(frozen=True)
class Effective:
    """Gradients [H, W] of the middle outputs of a layer, as shares of the largest; and the area."""

    layer: str
    gradients: npt.NDArray[np.float32]

    @property
    def side(self) -> float:
        """Side in pixels of the square with as many inputs as count."""
        return float((self.gradients > EDGE).sum() ** 0.5)


def effective_field(
    module: Classifier, layer: nn.Module, *, name: str, pixels_NCHW: Tensor
) -> Effective:
    """Mean size of the gradient of a layer's middle outputs at every pixel (Luo et al. 2016)."""
    module.eval()
    pixels = pixels_NCHW.clone().requires_grad_(True)
    kept: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _m, _i, out: kept.append(out))
    try:
        module.layers((pixels - module.mean) / module.std)
    finally:
        hook.remove()
    out = kept[0]
    centre = out[:, :, out.shape[2] // 2, out.shape[3] // 2]
    noise = torch.randn(centre.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((centre * noise).sum(), pixels)
    size = gradient.abs().mean((0, 1))
    return Effective(name, (size / size.max().clamp(min=1e-30)).numpy())


def section(network: Network, module: Classifier | None = None) -> Section:
    """The proof for every layer, and how much of the receptive field counts."""
    proofs = prove(network, module)
    worst = max((proof.change_outside for proof in proofs), default=0.0)
    least = min((proof.change_inside for proof in proofs), default=0.0)
    claims = [
        Claim(
            "Each output depends on the inputs of its receptive field and on no other",
            f"all inputs outside of it replaced, in {len(proofs)} layers: the output changes by "
            f"{worst:g}; inside: by {least:.2g} or more",
            verdict=HOLDS if worst == 0 else NOT,
            rule="holds where the change is exactly 0",
        )
    ]
    module = module or build(network, 0)
    pictures = torch.rand(8, *network.in_shape, generator=torch.Generator().manual_seed(0))
    seen, figures = [], []
    for depth, layer in enumerate(network.all_layers):
        if not isinstance(layer, Conv | Residual):
            continue
        assert isinstance(module.layers, nn.Sequential)  # noqa: S101
        found = effective_field(module, module.layers[depth], name=str(layer), pixels_NCHW=pictures)
        seen.append(found)
    table = Table(
        "How much of it counts: gradients of the middle outputs (Luo et al. 2016)",
        ["layer", "effective field, side in pixels"],
        rows=[[one.layer, f"{one.side:.1f}"] for one in seen],
    )
    if seen:
        grey = brightness_map(np.sqrt(seen[-1].gradients))
        figures.append(
            Figure(
                f"Where the picture counts for the middle of '{seen[-1].layer}': bright counts "
                "most (square root of the gradient's size).",
                picture_markup(grey, 220),
            )
        )
    data = {
        "proofs": [vars(proof) for proof in proofs],
        "effective": [{"layer": one.layer, "side": one.side} for one in seen],
    }
    return Section(
        "sparsity",
        "Sparse connections",
        claims=claims,
        tables=[table],
        figures=figures,
        notes=(),
        data=data,
    )
