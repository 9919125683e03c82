"""Depthwise convolutions and ReLU6 in ways of our own give what torch's and timm's give."""

import copy
from typing import Any

import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from convlens.engine.compute.execution import Execution
from convlens.engine.compute.kernels.depthwise import depthwise_by_columns
from convlens.engine.compute.kernels.relu6 import relu6_in_place
from convlens.options import EXECUTION_CONFIGS


def answer_and_gradients(layer: nn.Module, pixels: Tensor) -> list[Tensor]:
    """The output; gradients of a sum over squares of it: of the input, then the layer's."""
    pixels = pixels.clone().requires_grad_()
    out = layer(pixels)
    out.float().square().sum().backward()
    found = [out.detach(), pixels.grad, *(p.grad for p in layer.parameters())]
    return [one.float() for one in found if one is not None]


@pytest.mark.parametrize("sides", [(9, 10), (8, 7), (5, 2), (5, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kind", "kernel", "padding"),
    [
        (nn.Conv2d, 3, 1),
        (nn.Conv2d, 5, 2),
        (nn.Conv2d, 5, 0),
        (nn.Conv2d, (2, 7), (1, 3)),
        (nn.Conv2d, (5, 1), (3, 2)),
        (nn.Conv2d, (3, 7), (1, 3)),
        (nn.Conv2d, (3, 13), (1, 6)),
        (Conv2dSame, 3, 0),
        (Conv2dSame, 5, 0),
        (Conv2dSame, (2, 4), 0),
        (Conv2dSame, 1, 0),
    ],
)
def test_depthwise_convolutions_are_torchs_and_timms(
    kind: type[nn.Conv2d],
    kernel: int | tuple[int, int],
    padding: int | tuple[int, int],
    bias: bool,
    stride: int,
    sides: tuple[int, int],
) -> None:
    torch.manual_seed(0)
    made: Any = kind
    columns, zeros = (n if isinstance(n, int) else n[1] for n in (kernel, padding))
    if kind is nn.Conv2d and sides[1] + 2 * zeros < columns:
        pytest.skip("the filters are wider than the maps")
    plain = made(6, 6, kernel, stride=stride, padding=padding, groups=6, bias=bias).double()
    ours = depthwise_by_columns(copy.deepcopy(plain))
    assert type(ours) is not kind
    pixels = torch.randn(3, 6, *sides).double()
    for layout in (torch.contiguous_format, torch.channels_last):
        for module in (plain, ours):
            module.zero_grad()
        placed = pixels.contiguous(memory_format=layout)
        theirs, found = (answer_and_gradients(module, placed) for module in (plain, ours))
        for a, b in zip(theirs, found, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_in_bfloat16_they_are_as_near_to_the_exact_ones_as_torchs(stride: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(32, 32, 5, stride, 2, groups=32)
    pixels = torch.randn(8, 32, 12, 12)
    exact = answer_and_gradients(copy.deepcopy(plain).double(), pixels.double())
    execution = Execution(EXECUTION_CONFIGS["bfloat16-last"], 1)
    ours = execution.place(copy.deepcopy(plain))
    with execution.precision():
        theirs = answer_and_gradients(copy.deepcopy(plain), pixels)
        found = answer_and_gradients(ours, execution.inputs(pixels))
    for a, b, c in zip(found, theirs, exact, strict=True):
        assert (a - c).norm() < max(1.5 * (b - c).norm(), 1e-3 * c.norm())


def test_what_is_fixed_has_no_gradients_and_what_answers_is_computed_by_torch() -> None:
    torch.manual_seed(0)
    layer = Conv2dSame(4, 4, 3, stride=2, groups=4)
    pixels = torch.randn(2, 4, 8, 8)
    expected = layer(pixels)
    replaced = depthwise_by_columns(layer)
    torch.testing.assert_close(replaced(pixels), expected)
    replaced.requires_grad_(False)
    fixed = replaced(pixels)
    assert not fixed.requires_grad
    torch.testing.assert_close(fixed, expected)
    assert torch.equal(replaced.eval()(pixels), expected)


def test_only_depthwise_convolutions_are_replaced_and_once() -> None:
    layers = nn.Sequential(
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 8, 3, groups=4),
        nn.Conv2d(4, 4, 3, groups=4, dilation=2),
        nn.Conv2d(4, 4, 3, groups=4, padding="same"),
        nn.Conv2d(4, 4, 3, groups=4, padding=1, padding_mode="reflect"),
    )
    depthwise_by_columns(layers)
    assert all(type(layer) is nn.Conv2d for layer in layers)
    layer = depthwise_by_columns(nn.Conv2d(4, 4, 3, groups=4))
    assert type(depthwise_by_columns(layer)) is type(layer)


def test_relu6_in_place_keeps_what_it_leaves_and_no_copy() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU6(inplace=True))
    ours = relu6_in_place(copy.deepcopy(plain))
    pixels = 8 * torch.randn(2, 3, 7, 7)
    theirs, found = (answer_and_gradients(module, pixels) for module in (plain, ours))
    for a, b in zip(theirs, found, strict=True):
        assert torch.equal(a, b)

    def kept(module: nn.Module) -> set[int]:
        places = set()

        def note(tensor: Tensor) -> Tensor:
            places.add(tensor.data_ptr())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            out = module[0](pixels)  # type: ignore[index]
            before = out.data_ptr()
            out = module[1](out)  # type: ignore[index]
        assert out.data_ptr() == before
        places &= {before}
        return places

    assert kept(ours)  # what the next layer keeps as well
    assert not kept(plain)  # but a copy


def test_relu6_that_keeps_its_input_stays() -> None:
    assert type(relu6_in_place(nn.ReLU6())) is nn.ReLU6
    x = torch.linspace(-2, 8, 11)
    expected = nn.functional.relu6(x)
    assert torch.equal(relu6_in_place(nn.ReLU6(inplace=True))(x), expected)
