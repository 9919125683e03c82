"""The case for convolutions: arithmetic to the digit, and measurements against other oracles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from scipy import signal
from timm.layers import BlurPool2d

from convlens import describe_network, why
from convlens.dataset.batches import Examples
from convlens.errors import UsageError
from convlens.network.build import Blur, build
from convlens.network.layers import Conv, Full, Local, Window
from convlens.network.published import rows_of
from convlens.network.spec import Network, network
from convlens.reasons import arithmetic, counting, sharing
from convlens.reasons.experiments import architectures, learning
from convlens.reasons.experiments.effective_field import effective_field
from convlens.reasons.experiments.equivariance import equivariance
from convlens.reasons.experiments.invariance import agreement, invariance, shifted
from convlens.reasons.experiments.learning_results import examples_ratio
from convlens.reasons.experiments.perturbation import prove
from convlens.reasons.experiments.trials import drawn
from convlens.reasons.experiments.twins import blurred, largest_size, narrow_dense, twin
from convlens.reasons.receptive_field import middle, receptive_field
from helpers import save_class

LECTURE = "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"
RESIDUAL = (
    "conv 4 3x3 same stride 2, norm, residual [conv 4 3x3 same, norm, conv 4 3x3 same], "
    "avgpool 2 blur, local 3 3x3, conv 6 3x3 groups 3, gap, dense 5"
)


def text(line: str, size: int) -> Network:
    return network(line, size, classes=2)


def test_the_lectures_figures_to_the_digit() -> None:
    case = counting.lecture_twins()
    assert (case.inputs, case.outputs) == (3072, 4704)
    assert case.dense.weights == 14_450_688
    assert case.conv.parameters == 456
    assert arithmetic.LECTURES_156 == 156
    large = counting.lecture_twins(1000)
    assert large.dense.weights == 17_856_288_000_000
    assert large.conv.parameters == 456
    assert case.saved == case.saved_by_sparsity * case.saved_by_sharing
    said = json.dumps(arithmetic.section().as_json())
    assert "17856288000000" in said


@pytest.mark.parametrize("size", [8, 33])
@pytest.mark.parametrize(
    "layer",
    [
        Conv(6, Window((5, 5))),
        Conv(4, Window((3, 3), (2, 2), same=True)),
        Conv(6, Window((3, 5), (1, 2))),
        Conv(6, Window((3, 3)), 3),
    ],
    ids=str,
)
def test_counts_are_torchs_own(layer: Conv, size: int) -> None:
    case = counting.twins_of(layer, (3, size, size))
    module = torch.nn.Conv2d(
        3, layer.filters, layer.window.kernel, layer.window.stride, layer.window.padding(),
        groups=layer.groups,
    )  # fmt: skip
    out = module(torch.zeros(1, 3, size, size))
    assert tuple(out.shape[1:]) == case.out_shape
    assert sum(p.numel() for p in module.parameters()) == case.conv.parameters
    dense = torch.nn.Linear(3 * size * size, out.numel(), device="meta")
    assert dense.weight.numel() == case.dense.weights
    ones = module.requires_grad_(False)
    ones.weight.fill_(1)
    ones.bias.zero_()  # type: ignore[union-attr]
    assert case.conv.connections == int(ones(torch.ones(1, 3, size, size)).sum())
    assert case.local.weights == out[0].numel() * ones.weight[0].numel()


# fmt: off
ARCHITECTURES = (
    "resnet18", "resnet34", "resnet50", "resnet26d", "wide_resnet50_2", "resnext50_32x4d",
    "seresnet50", "resnetv2_50", "densenet121", "vgg11", "vgg13", "vgg16", "vgg19", "vgg16_bn",
    "mobilenetv2_100", "mobilenetv3_small_100", "mobilenetv3_large_100", "mnasnet_100",
    "efficientnet_b0", "efficientnet_b1", "tf_efficientnet_lite0", "tf_efficientnet_lite1",
    "regnetx_002", "regnety_004", "ghostnet_100", "hardcorenas_a", "fbnetc_100", "spnasnet_100",
    "semnasnet_100", "rexnet_100", "convnext_atto", "dla34", "hrnet_w18_small", "selecsls42b",
    "xception41", "inception_v4",
)
# fmt: on


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_published_architectures_count_as_torchinfo_counts_them(name: str) -> None:
    torchinfo = pytest.importorskip("torchinfo")
    module = timm.create_model(name).eval()
    size = 75 if name.startswith(("inception", "xception")) else 64
    rows = list(rows_of(module, size))
    whole = sum(p.numel() for p in module.parameters())
    assert whole == sum(row.counts.parameters for row in rows)
    summary = torchinfo.summary(module, (1, 3, size, size), verbose=0)
    assert summary.total_params == whole
    # torchinfo adds a multiplication per bias and output position, and one per normalised channel
    extra = 0
    for part in summary.summary_list:
        if not part.is_leaf_layer:
            continue
        inner = part.module
        if isinstance(inner, torch.nn.Conv2d | torch.nn.Linear):
            if inner.bias is not None:
                positions = int(np.prod(part.output_size[2:])) if len(part.output_size) > 2 else 1
                extra += inner.bias.numel() * positions
        else:
            extra += part.macs
    ours = sum(row.counts.multiplications for row in rows)
    assert ours == summary.total_mult_adds - extra


def test_the_filter_slides_as_scipys_does() -> None:
    example = sharing.lecture_example()
    assert example["answer"] == [[0, 30, 30, 0]] * 4
    assert (example["parameters"], example["outputs"], example["inputs"]) == (9, 16, 36)
    random = np.random.default_rng(0)
    for shape, kernel in (((6, 6), (3, 3)), ((20, 31), (5, 2))):
        picture, weights = random.normal(size=shape), random.normal(size=kernel)
        wanted = signal.correlate2d(picture, weights, "valid")
        assert np.allclose(sharing.correlate(picture, weights), wanted)
    pixels = random.integers(0, 256, (12, 15, 3)).astype(np.uint8)
    wanted = signal.correlate2d(pixels.mean(2) / 255, sharing.HORIZONTAL, "valid")
    assert np.allclose(sharing.edges(pixels)["horizontal"], wanted)


@pytest.mark.parametrize(("line", "size"), [(LECTURE, 32), (RESIDUAL, 24)])
def test_what_an_output_depends_on_is_what_gradients_reach(line: str, size: int) -> None:
    spec = text(line.replace("pool 2", "avgpool 2").replace("avgavg", "avg"), size)
    module = build(spec, 0).double().eval()
    for part in module.modules():  # nothing can cancel or be cut off where all weights are positive
        for parameter in part.parameters(recurse=False):
            parameter.data = parameter.data.abs() + 0.1
    shape = spec.in_shape
    layers = spec.all_layers
    for depth, layer in enumerate(layers, 1):
        shape = layer.out_shape(shape)
        unit = middle(shape)
        pixels = torch.rand(1, *spec.in_shape, dtype=torch.float64, requires_grad=True)
        module.layers[:depth](pixels)[0][unit].backward()  # type: ignore[index]
        assert pixels.grad is not None
        reached = (pixels.grad[0] != 0).numpy()
        assert np.array_equal(reached, receptive_field(layers[:depth], spec.in_shape, unit=unit))


@pytest.mark.parametrize(("line", "size"), [(LECTURE, 32), (RESIDUAL, 24)])
def test_what_lies_outside_changes_nothing_at_all(line: str, size: int) -> None:
    proofs = prove(text(line, size))
    assert len(proofs) >= 3
    for proof in proofs:
        assert proof.change_outside == 0
        assert proof.change_inside > 0
    assert proofs[0].inside + proofs[0].outside == 3 * size * size


def test_the_effective_field_lies_within_the_theoretical_one() -> None:
    spec = text("conv 8 3x3 same, conv 8 3x3 same, conv 8 3x3 same, gap", 32)
    module = build(spec, 0)
    layer = module.layers[4]  # type: ignore[index]
    found = effective_field(module, layer, name="third", pixels_NCHW=torch.rand(4, 3, 32, 32))
    assert found.gradients.max() == 1
    assert 1 < found.side <= 7
    rows, columns = np.nonzero(found.gradients)
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (7, 7)


def test_blur_is_timms() -> None:
    x = torch.rand(2, 5, 12, 16)
    assert torch.allclose(Blur((2, 2))(x), BlurPool2d(5, 3, 2)(x), atol=1e-6)
    blurs = text(LECTURE.replace("pool 2", "pool 2 blur"), 32)
    assert [r.out_shape for r in blurs.rows()] == [r.out_shape for r in text(LECTURE, 32).rows()]
    assert blurred(text(LECTURE, 32)) == blurs
    assert network(blurs.text, 32, classes=2) == blurs


def test_twins_keep_the_outputs_and_lose_sharing_then_sparsity() -> None:
    conv = text(LECTURE, 32)
    local, full = twin(conv, Local), twin(conv, Full)
    shapes = [row.out_shape for row in conv.rows()]
    assert [row.out_shape for row in local.rows()] == shapes
    assert [row.out_shape for row in full.rows()] == shapes
    for spec in (conv, local, full):
        module = build(spec, 0)
        assert sum(p.numel() for p in module.parameters()) == spec.total().parameters
        assert module(torch.rand(2, 3, 32, 32)).shape == (2, 2)
        assert network(spec.text, 32, classes=2) == spec
    counts = [spec.total().parameters for spec in (conv, local, full)]
    assert counts == sorted(counts)
    assert largest_size(conv) == 32
    wide = "conv 64 3x3, pool 2, conv 64 3x3"
    parameters = [twin(text(wide, side), Full).total().parameters for side in (20, 24)]
    assert parameters[0] <= 50_000_000 < parameters[1]
    assert largest_size(text(wide, 32)) == 20
    few = text(narrow_dense(conv), 32).total().parameters
    assert 0.9 < few / conv.total().parameters <= 1


def test_a_convolution_moves_with_the_picture_and_strides_break_it() -> None:
    module = build(text("conv 4 5x5, pool 2, conv 4 3x3 stride 2, gap", 40), 0)
    layers = equivariance(module, torch.rand(2, 3, 40, 40))
    assert [layer.jump for layer in layers] == [1, 2, 4]
    for layer in layers:
        for shift, error in layer.errors.items():
            if shift % layer.jump == 0:
                assert error < 1e-14
            else:
                assert error > 1e-3


def test_shifted_pictures_are_rolled_ones_inside() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3)).astype(np.uint8)
    assert np.array_equal(shifted(pictures, 0, right=0), pictures)
    for down, right in ((3, 0), (-2, 5), (1, -1)):
        got = shifted(pictures, down, right=right)
        wanted = np.roll(pictures, (down, right), (1, 2))
        inside = (slice(None), slice(5, -5), slice(5, -5))
        assert np.array_equal(got[inside], wanted[inside])
        assert got.shape == pictures.shape


def test_invariance_of_answers_that_are_known() -> None:
    pictures = np.zeros((4, 16, 16, 3), np.uint8)
    pictures[:2, 8, 8] = 255  # a dot that a shift to the right by two moves out of the column

    def bright(batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        share = (batch[:, :, 7:10] > 0).any((1, 2, 3)).astype(float)
        return np.stack((share, 1 - share), 1)

    found = invariance(bright, pictures, shifts=(1, 2))
    assert found.kept[1] == 1
    # two pictures never change; the others do in all but the two vertical directions
    assert found.kept[2] == pytest.approx((2 + 2 * 2 / 8) / 4)
    assert found.change[2] == pytest.approx(2 * (6 / 8) / 4)
    labels = np.array([[0, 0, 1], [1, 1, 1]])
    assert agreement(labels) == pytest.approx((1 / 3 + 1) / 2)


def test_how_many_times_the_examples() -> None:
    def curve(*accuracies: float) -> dict[int, float]:
        return {25 * 2**k: accuracy for k, accuracy in enumerate(accuracies)}

    conv, dense = curve(0.6, 0.7, 0.8, 0.9), curve(0.5, 0.55, 0.6, 0.7)
    ratio, more = examples_ratio(conv, dense)
    assert (round(ratio, 9), more) == (4, False)
    ratio, more = examples_ratio(curve(0.8, 0.8, 0.8, 0.8), dense)
    assert (round(ratio, 9), more) == (8, True)
    halfway, _ = examples_ratio(conv, curve(0.5, 0.5, 0.5, 0.75))
    assert halfway == pytest.approx(200 / (50 * 2**0.5))


def test_draws_are_even_and_nested() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    examples = Examples(np.zeros((40, 4, 4, 3), np.uint8), np.arange(40), labels=labels, classes=2)
    small, large = drawn(examples, 8, seed=1), drawn(examples, 24, seed=1)
    assert np.bincount(small.labels).tolist() == [4, 4]
    assert np.bincount(large.labels).tolist() == [14, 10]
    assert set(small.rows) <= set(large.rows)


def test_controls_do_what_they_say() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3)).astype(np.uint8)
    examples = Examples(pixels, np.array([1, 3, 5]), labels=np.array([0, 1, 0]), classes=2)
    mixed = learning.permuted(examples, 3)
    same = learning.permuted(examples, 3)
    assert np.array_equal(mixed.pixels, same.pixels)
    flat, before = (p.reshape(3, 16, 3) for p in (mixed.pixels, pixels[[1, 3, 5]]))
    order = [int(np.where((before[0] == cell).all(1))[0][0]) for cell in flat[0]]
    assert sorted(order) == list(range(16))
    assert np.array_equal(flat, before[:, order])


def test_the_whole_case_on_made_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {"dense": "dense 8", "lecture": "lecture", "resnet18": "resnet18"}
    monkeypatch.setattr(architectures, "ARCHITECTURES", lines)
    for kind in ("disc", "cross"):
        save_class(tmp_path / "p" / kind, kind, 60)
    told: list[str] = []
    line = "conv 4 5x5, pool 4, dense 8"
    case = why(
        line,
        tmp_path / "p",
        out=tmp_path / "o",
        size=16,
        minutes=0.05,
        progress=lambda what, *_: told.append(what),
    )
    assert [one.key for one in case.sections] == [
        "arithmetic", "sharing", "sparsity", "translation", "examples", "efficiency"
    ]  # fmt: skip
    assert {"learning curves", "translation", "architectures", "optimizers"} <= set(told)
    kept = json.loads((tmp_path / "o" / "why.json").read_text())
    runs = next(s for s in kept["sections"] if s["section"] == "examples")["runs"]
    assert {run["kind"] for run in runs} == set(learning.kinds(text(line, 16)))
    spared = {note for section in case.sections for note in section.notes if "left out" in note}
    assert spared and "resnet18" not in {
        one["name"] for section in case.sections for one in section.data.get("architectures", [])
    }
    page = (tmp_path / "o" / "why.html").read_text()
    for section in case.sections:
        for claim in section.claims:
            assert claim.verdict in page
    begun = len(list((tmp_path / "o" / "pieces").iterdir()))
    # without time, what is there is recalled and nothing is added
    again = why(line, tmp_path / "p", section="examples", out=tmp_path / "o", size=16, minutes=1e-6)
    assert len(list((tmp_path / "o" / "pieces").iterdir())) == begun
    assert again.sections[0].data["ratio"] == case.sections[4].data["ratio"]


def test_what_cannot_be_said_is_said() -> None:
    with pytest.raises(UsageError, match="give --pictures"):
        why(section="examples")
    with pytest.raises(UsageError, match="it can be arithmetic"):
        why(section="everything")
    assert [one.key for one in why().sections] == ["arithmetic", "sharing"]
    published = why("resnet18").sections[0].data["network"]
    assert published["parameters"] == describe_network("resnet18", 224).total().parameters
