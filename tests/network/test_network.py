"""Networks as text: shapes and counts against torch, the lecture's figures, clear errors."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from convlens import describe_network
from convlens.errors import UsageError
from convlens.network.auto import auto_network, auto_size
from convlens.network.build import build
from convlens.network.layers import LAYERS, Conv, Layer, Local, Pool, Residual, flat, inputs_of
from convlens.network.layers.counts import Counts
from convlens.network.layers.shapes import Window, show
from convlens.network.local2d import Local2d
from convlens.network.modules import MODULES, FastDropout
from convlens.network.parse import parse_layers
from convlens.network.spec import Network, network

LINES = [
    "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84",
    "conv 4 3x5 stride 2, norm, tanh, avgpool 2, dense 5, norm, dropout 0.5",
    "local 4 3x3 same stride 2, relu, pool 3 stride 2 same, gap",
    "conv 8 3x3 same, norm, residual [conv 8 3x3 same, norm, conv 8 3x3 same, norm] x2, gap",
    "conv 4 3, residual [conv 8 3 same stride 2, norm, conv 8 3 same, norm] silu, dense 7, linear",
    "dense 20, dense 7, dense 5",
    "conv 8 3x3 groups 1, lrn, conv 6 5x5 same groups 2, gap",
    "conv 6 3x3 groups 3, lrn, avgpool 2 stride 1 blur, full 2 3x3, relu, dropout 0.2",
    "conv 3 1x1 stride 2x3, pool 2x3 stride 1x2, gelu, sigmoid, linear",
]


def test_every_layer_has_a_module_and_names_of_its_own() -> None:
    assert set(MODULES) == set(LAYERS)
    names = [name for layer in LAYERS for name in layer.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("size", [23, 32])
def test_shapes_and_parameters_are_torchs(line: str, size: int) -> None:
    spec = network(line, size, classes=10)
    module = build(spec, 0).eval()
    assert sum(p.numel() for p in module.parameters()) == spec.total().parameters
    x = torch.rand(2, 3, size, size)
    assert isinstance(module.layers, nn.Sequential)
    for row, part in zip(spec.rows(), module.layers, strict=True):
        assert tuple(x.shape[1:]) == row.in_shape
        x = part(x)
        assert tuple(x.shape[1:]) == row.out_shape


@pytest.mark.parametrize("line", LINES)
def test_the_inputs_of_an_output_are_those_that_gradients_reach(line: str) -> None:
    spec = network(re.sub(r"\bpool", "avgpool", line), 16, classes=2)
    module = build(spec, 0).double().eval()
    for parameter in module.parameters():  # all are positive, so that nothing cancels
        nn.init.constant_(parameter, 1 / parameter[0].numel())
    assert isinstance(module.layers, nn.Sequential)
    shape, layers = spec.in_shape, spec.all_layers
    for depth, layer in enumerate(layers, 1):
        shape = layer.out_shape(shape)
        unit = (0, *(length // 2 for length in shape[1:]))
        x = torch.rand(1, *spec.in_shape, dtype=torch.float64, requires_grad=True)
        module.layers[:depth](x)[0][unit].backward()
        assert x.grad is not None
        outputs = np.zeros(shape, bool)
        outputs[unit] = True
        inputs = inputs_of(layers[:depth], outputs, shape=spec.in_shape)
        assert np.array_equal((x.grad[0] != 0).numpy(), inputs), layer


@pytest.mark.parametrize("line", LINES)
def test_the_text_makes_the_same_network(line: str) -> None:
    spec = network(line, 32, classes=3)
    again = network(spec.text, 32, classes=3)
    assert list(again.rows()) == list(spec.rows())
    shown = ", ".join(row.text for row in spec.rows())  # with every activation spelt out
    assert network(shown, 32, classes=3).total().parameters >= spec.total().parameters


def test_the_lectures_figures() -> None:
    first, *_ = describe_network("lecture", 32, classes=10).rows()
    assert show(first.out_shape) == "28×28×6"
    assert first.counts.parameters == 456
    dense = network("dense 4704", 32, classes=10)
    assert next(dense.rows()).counts.parameters == 14_450_688 + 4_704
    huge = next(network("conv 6 5x5", 1000, classes=2).rows()).counts
    assert huge.parameters == 456
    six_by_six = Conv(1, Window((3, 3)))
    assert six_by_six.counts((1, 6, 6)).parameters == 9 + 1
    assert six_by_six.counts((1, 6, 6)).connections == 16 * 9


def connected(layer: Layer, shape: tuple[int, int, int]) -> int:
    """Connections counted one by one: pairs whose weight can be seen from outside, by gradients."""
    spec = network(str(layer) + ", linear, dense 1", shape[1], classes=1)
    module = build(spec, 0)
    assert isinstance(module.layers, nn.Sequential)
    part = module.layers[0].double()
    x = torch.rand(1, *shape, dtype=torch.float64, requires_grad=True)
    out = part(x).flatten()
    grads = [torch.autograd.grad(unit, x, retain_graph=True)[0] for unit in out]
    return sum(int((g != 0).sum()) for g in grads)


@pytest.mark.parametrize(
    "layer",
    [
        Conv(2, Window((3, 3))),
        Conv(2, Window((3, 3), (2, 2), same=True)),
        Conv(1, Window((5, 3), (1, 2), same=True)),
        Local(2, Window((3, 3), (2, 2), same=True)),
    ],
)
@pytest.mark.parametrize("size", [7, 8])
def test_connections_are_those_that_gradients_see(layer: Conv | Local, size: int) -> None:
    shape = (3, size, size)
    assert connected(layer, shape) == layer.counts(shape).connections


def test_multiplications_of_a_known_network() -> None:
    total = describe_network("lecture", 32, classes=10).total()
    # by hand: 28·28·6·75 + 10·10·16·150 + 400·120 + 120·84 + 84·10
    assert total.multiplications == 352_800 + 240_000 + 48_000 + 10_080 + 840
    assert total.parameters == 62_006


def test_local_with_shared_weights_is_a_convolution() -> None:
    for same, stride in ((False, 1), (True, 1), (True, 2), (False, 3)):
        window = Window((3, 3), (stride, stride), same)
        local = Local2d((4, 9, 9), 5, window=window)
        conv = nn.Conv2d(4, 5, 3, stride, window.padding())
        with torch.no_grad():
            shared = conv.weight.permute(2, 3, 1, 0).reshape(1, -1, 5)
            local.weight.copy_(shared.expand_as(local.weight))
            assert conv.bias is not None
            local.bias.copy_(conv.bias.expand_as(local.bias))
            x = torch.rand(2, 4, 9, 9)
            assert torch.allclose(local(x), conv(x), atol=1e-5)


def test_a_residual_block_is_body_plus_shortcut() -> None:
    spec = network("residual [conv 4 3x3 same stride 2]", 8, classes=2)
    block = build(spec, 0).layers[0]  # type: ignore[index]
    x = torch.rand(1, 3, 8, 8)
    wanted = torch.relu(block.body(x) + block.shortcut(x))
    assert torch.equal(block(x), wanted)
    assert block.shortcut.kernel_size == (1, 1)


def test_initial_parameters_are_he_et_al_and_come_from_the_seed() -> None:
    spec = network("conv 64 5x5, dense 300", 24, classes=2)
    first, again, other = build(spec, 1), build(spec, 1), build(spec, 2)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    weight, different = next(first.parameters()), next(other.parameters())
    assert not torch.equal(weight, different)
    dense = first.layers[2][1].weight  # type: ignore[index]
    for tensor, fan_in in ((weight, 75), (dense, 20 * 20 * 64)):
        assert tensor.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.05)
        assert abs(tensor.mean().item()) < 4 * math.sqrt(2 / fan_in / tensor.numel())
    assert torch.count_nonzero(first.layers[0].bias) == 0  # type: ignore[index]


def test_pixels_are_brought_to_mean_0_and_deviation_1() -> None:
    module = build(network("dense 2", 4, classes=2), 0, mean=(0.2, 0.4, 0.6), std=(0.1, 0.2, 0.3))
    seen = []
    module.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module(torch.tensor([0.3, 0.2, 0.9]).view(1, 3, 1, 1).expand(1, 3, 4, 4))
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx([1, -1, 1])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("conv 6 5x5, pool 2, pool 40", "layer 3, 'pool 40'.*14×14 or less"),
        ("cnv 3", "no layer 'cnv'"),
        ("conv 5x5", "number of filters"),
        ("conv 6", "a size is wanted"),
        ("conv 6 5x5 pad 2", "'stride 2', 'same' or 'valid'"),
        ("conv 6 4x4 same", "odd kernel"),
        ("dense 5, conv 6 3x3", "vector of 5 units.*before"),
        ("residual [conv 6 5x5]", "write 'same'"),
        ("residual conv 6 5x5", "brackets"),
        ("conv 3 3x3 [relu]", "only 'residual'"),
        ("residual [conv 3 3x3", "never closed"),
        ("dense 4]", "without its '\\['"),
        ("dense 4, softmax", "leave 'softmax' out"),
        ("dropout 1.5", "share of units"),
        ("conv 4 3x3 groups two", "a number follows 'groups'"),
        ("conv 4 3x3 groups 2", "3 channels and 4 filters.*2 groups"),
        ("local 4 3x3 groups 3", "'stride 2', 'same' or 'valid'"),
        ("dense 3, lrn", "vector of 3 units"),
        ("dense 3 4", "a word too many"),
        ("", "empty"),
    ],
)
def test_what_does_not_fit_says_which_layer_and_what_would(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        network(line, 32, classes=2)


@pytest.mark.parametrize("size", [8, 16, 32, 64, 96, 128, 224])
@pytest.mark.parametrize("pictures", [20, 2000, 100_000])
def test_auto_is_sound_at_every_size(size: int, pictures: int) -> None:
    spec = describe_network("auto", size, classes=5, pictures=pictures)
    assert list(spec.rows())[-1].out_shape == (5,)
    assert spec.text == auto_network(size, pictures)
    assert isinstance(spec, Network)
    assert any(isinstance(layer, Residual | Pool) for layer in flat(spec.layers))


@pytest.mark.parametrize(("size", "residual"), [(32, False), (63, False), (64, True), (176, True)])
def test_auto_is_plain_for_small_pictures_and_wider_for_more_of_them(
    size: int, residual: bool
) -> None:
    assert ("residual" in auto_network(size, 1000)) == residual
    parameters = [
        describe_network("auto", size, pictures=pictures).total().parameters
        for pictures in (100, 1000, 50_000)
    ]
    assert parameters == sorted(set(parameters))
    assert all("norm" in auto_network(size, pictures) for pictures in (100, 1000, 50_000))


def test_alexnet_and_lenet_have_their_published_parameters() -> None:
    alexnet = list(describe_network("alexnet", 227, classes=1000).rows())
    assert sum((row.counts for row in alexnet), Counts()).parameters == 60_965_224  # Caffe's file
    shapes = [row.out_shape for row in alexnet if row.text.startswith(("conv", "pool"))]
    assert shapes[:2] == [(96, 55, 55), (96, 27, 27)]
    assert shapes[-1] == (256, 6, 6)
    lenet = [
        row for row in describe_network("lenet5", 32, classes=10).rows() if row.counts.parameters
    ]
    assert [row.out_shape for row in lenet] == [
        (6, 28, 28),
        (16, 10, 10),
        (120, 1, 1),
        (84,),
        (10,),
    ]
    # C5 and F6 as in LeCun et al. 1998; C1 has three channels of colour, C3 all connections
    assert [row.counts.parameters for row in lenet] == [456, 2416, 48_120, 10_164, 850]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_are_torchs(groups: int) -> None:
    spec = network(f"conv 8 3x3 same, conv 12 3x3 groups {groups}, lrn, gap", 9, classes=2)
    module = build(spec, 0)
    learnt = sum(parameter.numel() for parameter in module.parameters())
    assert spec.total().parameters == learnt
    convs = [part for part in module.modules() if isinstance(part, torch.nn.Conv2d)]
    assert convs[1].groups == groups
    assert parse_layers(spec.text) == spec.layers


def test_lrn_is_krizhevskys() -> None:
    module = build(network("lrn", 4, classes=2), 0)
    norm = next(p for p in module.modules() if isinstance(p, torch.nn.LocalResponseNorm))
    x = 50 * torch.rand(1, 7, 2, 2)
    for i in range(7):
        squares = x[:, max(0, i - 2) : i + 3].square().sum(1)
        assert torch.allclose(norm(x)[:, i], x[:, i] / (2 + 1e-4 * squares) ** 0.75)


def test_auto_size() -> None:
    assert [auto_size(s) for s in (10, 32, 63, 64, 325, 4000)] == [32, 32, 48, 64, 176, 176]


def test_counts_stay_exact_beyond_64_bits() -> None:
    counts = Conv(10**9, Window((3, 3))).counts((10**9, 1000, 1000))
    assert counts.multiplications == 9 * 10**18 * 998 * 998
    assert counts.multiplications > np.iinfo(np.int64).max


def test_a_largest_value_is_the_same_before_and_after_a_relu() -> None:
    module = build(network("conv 4 3x3 same, pool 2, dense 8", 12, classes=3), 0)
    layers = module.layers
    assert isinstance(layers, nn.Sequential)
    conv, later = layers[0], layers[2]
    assert isinstance(later, nn.Sequential)
    first, second = later
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(first, nn.MaxPool2d)
    assert isinstance(second, nn.ReLU)
    x = torch.randn(5, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    grads = []
    for order in (nn.Sequential(conv, first, second), nn.Sequential(conv, second, first)):
        conv.zero_grad()
        out = order(x)
        (out * torch.arange(out.numel()).view_as(out)).sum().backward()
        assert conv.weight.grad is not None
        grads.append((out.detach(), conv.weight.grad.clone()))
    assert torch.equal(grads[0][0], grads[1][0])
    assert torch.allclose(grads[0][1], grads[1][1])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(
    rate: float, layout: torch.memory_format
) -> None:
    dropout = FastDropout(rate)
    x = torch.ones(8, 32, 30, 31).to(memory_format=layout).requires_grad_()
    torch.manual_seed(0)
    out = dropout(x)
    kept = out != 0
    share = stats.binomtest(int(kept.sum()), x.numel(), 1 - rate)
    assert share.pvalue > 1e-4
    for part in (kept[:, ::2], kept[..., ::2], kept[..., 1::2, :], kept[::2]):
        assert part.float().mean().item() == pytest.approx(1 - rate, abs=0.01)
    assert torch.allclose(out[kept], torch.tensor(1 / (1 - rate)))
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())
    torch.manual_seed(0)
    assert torch.equal(dropout(x), out)
    assert torch.equal(dropout.eval()(x), x)
