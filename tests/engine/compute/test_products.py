"""Convolutions computed in ways of our own give what torch's give."""

import copy

import pytest
import torch
from torch import Tensor, nn

from convlens.engine.compute.execution import Execution
from convlens.engine.compute.kernels.products import Conv2dByProduct, gradients_by_product
from convlens.options import EXECUTION_CONFIGS


def gradients(layer: nn.Module, pixels: Tensor) -> list[Tensor]:
    """Of a sum over squares of the output: that of the input, then the layer's."""
    pixels = pixels.clone().requires_grad_()
    layer(pixels).float().square().sum().backward()
    found = [pixels.grad, *(p.grad for p in layer.parameters())]
    return [one.float() for one in found if one is not None]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("channels", "filters", "kernel", "stride", "padding", "side"),
    [
        (8, 12, 3, 1, 1, 4),
        (5, 256, 3, 1, 1, 8),
        (8, 12, (3, 2), (2, 1), (0, 1), 6),
        (6, 7, 1, 2, 0, 7),
        (4, 6, 5, 3, 2, 9),
        (8, 12, 3, 1, 1, 20),  # too large: torch's own way
    ],
)
def test_gradients_as_products_are_torchs(
    channels: int,
    filters: int,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
    side: int,
    bias: bool,
) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, filters, kernel, stride, padding, bias=bias).double()
    ours = copy.deepcopy(plain)
    ours = gradients_by_product(ours)
    assert type(ours) is Conv2dByProduct
    pixels = torch.randn(5, channels, side, side + 1).double()
    for layout in (torch.contiguous_format, torch.channels_last):
        for module in (plain, ours):
            module.zero_grad()
        placed = pixels.contiguous(memory_format=layout)
        for a, b in zip(gradients(plain, placed), gradients(ours, placed), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_they_are_as_near_to_the_exact_ones_as_torchs() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(32, 256, 3, padding=1)
    pixels = torch.randn(16, 32, 4, 4)
    exact = gradients(copy.deepcopy(plain).double(), pixels.double())
    errors = {}
    for name in ("bfloat16-last", "bfloat16-last-products"):
        execution = Execution(EXECUTION_CONFIGS[name], 1)
        layer = execution.place(copy.deepcopy(plain))
        with execution.precision():
            found = gradients(layer, execution.inputs(pixels))
        errors[name] = [
            ((a - b).norm() / b.norm()).item() for a, b in zip(found, exact, strict=True)
        ]
    for torchs, ours in zip(*errors.values(), strict=True):
        assert ours < max(1.5 * torchs, 1e-3)


def test_layers_are_replaced_in_their_place_and_share_the_parameters() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3)))
    layer, parameters = module[0], dict(module.named_parameters())
    torch.manual_seed(0)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert gradients_by_product(module) is module
    assert torch.equal(torch.rand(1), drawn)  # no random numbers are used up
    assert type(layer) is nn.Conv2d
    assert type(module[0]) is Conv2dByProduct
    for name, parameter in module.named_parameters():
        assert parameter is parameters[name]


def test_only_what_can_be_computed_so_is() -> None:
    layers = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    )
    gradients_by_product(layers)
    assert not any(isinstance(layer, Conv2dByProduct) for layer in layers)
    fixed = nn.Conv2d(4, 4, 3)
    fixed.weight.requires_grad = False
    fixed = gradients_by_product(fixed)
    assert fixed(torch.randn(1, 4, 5, 5)).shape == (1, 4, 3, 3)
