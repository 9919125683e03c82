"""Inside a file: its layers' maps, what their values see, and how they were made."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from convlens import Detector
from convlens.dataset.examples import to_float
from convlens.detector.inside.graph import Graph
from convlens.detector.inside.inside import Inside
from convlens.detector.integrity import unseal
from convlens.errors import UsageError
from convlens.network.hooks import forward_hooks
from convlens.network.layers.shapes import Mask
from convlens.network.spec import network
from convlens.pictures.resize import Resizer
from convlens.reasons.receptive_field import any_channel, receptive_field
from networks import as_if_trained, boxes_detector, detector_of, noise

TEXT = (
    "conv 8 3x3 same, norm, pool 2, residual [conv 8 3x3 same, norm], conv 12 5x5 stride 2, "
    "avgpool 2, gap, dense 5"
)
SLIDING = "conv 4 3x3, pool 2, conv 5 5x5 stride 2, avgpool 3 stride 2, conv 6 3x3 same, gap"


@pytest.fixture(
    scope="module", params=["timm:resnet18", "timm:tf_efficientnet_lite0", TEXT, "boxes"]
)
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "boxes":
        return boxes_detector()
    module = as_if_trained(request.param, 64)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):  # so that no branch and no ReLU gives 0
            torch.nn.init.ones_(part.weight)
            part.reset_running_stats()
    return detector_of(module, 64)


def test_the_graph_is_read_as_the_onnx_package_reads_it(detector: Detector) -> None:
    data = detector.session.graph()
    assert data is not None
    graph, wanted = Graph(bytes(unseal(data))), onnx.load_from_string(bytes(unseal(data))).graph
    assert [(n.operator, list(n.inputs), list(n.outputs)) for n in graph.nodes] == [
        (n.op_type, list(n.input), list(n.output)) for n in wanted.node
    ]
    for tensor in wanted.initializer:
        values = graph.tensor(tensor.name)
        if values is not None:
            np.testing.assert_array_equal(values, numpy_helper.to_array(tensor))
    for node, other in zip(graph.nodes, wanted.node, strict=True):
        for option in other.attribute:
            if option.type == onnx.AttributeProto.INTS:
                assert node.numbers(option.name, ()) == tuple(option.ints)
            elif option.type == onnx.AttributeProto.INT:
                assert node.options[option.name] == option.i


def test_maps_are_those_of_the_network() -> None:
    """Each convolution of a network as text, before its activation, is among the file's tensors."""
    module, image = as_if_trained(TEXT, 64), noise()
    inside = detector_of(module, 64).inside
    given: list[np.ndarray] = []

    def note(_: str, layer: torch.nn.Module, __: object, output: torch.Tensor) -> None:
        given.append(output[0].numpy())

    relus = [(n, m) for n, m in module.layers.named_modules() if isinstance(m, torch.nn.ReLU)]
    with torch.inference_mode(), forward_hooks(relus, note):
        pixels = to_float(torch.from_numpy(Resizer(64)(image)[None]))
        module.layers((pixels - module.mean) / module.std)
    maps = inside.maps(image, range(len(inside.layers)))
    for wanted in given:
        if wanted.ndim == 3:
            same = [m for m in maps if m.shape == wanted.shape]
            assert min(np.abs(m - wanted).max() for m in same) < 1e-4


def test_changes_outside_of_what_a_value_sees_do_not_change_it(detector: Detector) -> None:
    inside, random = detector.inside, np.random.default_rng(0)
    image = random.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    seen_by = 0
    for number, layer in enumerate(inside.layers):
        if layer.field is None:
            continue
        row, column = layer.shape[1] // 3, layer.shape[2] // 2
        box = inside.seen(image, number, row=row, column=column)
        top, bottom, left, right = (
            round(64 * at) for at in (box.top, box.bottom, box.left, box.right)
        )
        if (bottom - top) * (right - left) == 64 * 64:
            continue
        other = random.integers(0, 256, image.shape).astype(np.uint8)
        other[top:bottom, left:right] = image[top:bottom, left:right]
        before, after = (inside.maps(picture, [number])[0] for picture in (image, other))
        np.testing.assert_allclose(
            before[:, row, column], after[:, row, column], atol=1e-4 * np.abs(before).max()
        )
        assert np.abs(before - after).max() > 1e-3 * np.abs(before).max()
        edge = image.copy()
        edge[top, left:right] = 255 - edge[top, left:right]
        changed = np.abs(inside.maps(edge, [number])[0] - before)[:, row, column].max()
        seen_by += changed > 0
    assert seen_by >= 3  # what is seen is not only more than enough


def test_fields_of_text_are_those_that_the_layers_tell() -> None:
    """Each layer of this network has maps of another shape."""
    spec = network(SLIDING, 64, classes=3)
    inside = detector_of(as_if_trained(SLIDING, 64), 64).inside
    assert len(inside.layers) == 5
    shapes, at = [], (3, 64, 64)
    for layer in spec.layers:
        at = layer.out_shape(at)  # type: ignore[assignment]
        shapes.append(at)
    for number, own in enumerate(inside.layers):
        depth = max(k for k, shape in enumerate(shapes) if shape == own.shape) + 1
        for row, column in ((0, 0), (own.shape[1] // 2, own.shape[2] - 1)):
            mask: Mask = receptive_field(spec.layers[:depth], (3, 64, 64), unit=(0, row, column))
            rows, columns = np.nonzero(any_channel(mask)[0])
            box = inside.seen(noise(), number, row=row, column=column)
            told = [round(64 * edge) for edge in (box.top, box.bottom, box.left, box.right)]
            assert told == [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]


def test_a_sum_is_the_value(detector: Detector) -> None:
    inside, image, told = detector.inside, noise(), 0
    for number, layer in enumerate(inside.layers):
        (maps,) = inside.maps(image, [number])
        for row, column in ((0, 0), (layer.shape[1] - 1, layer.shape[2] // 2)):
            place = {"channel": layer.shape[0] - 1, "row": row, "column": column}
            found = inside.sum_of(image, number, **place)
            assert (found is not None) == layer.adds_up
            if found is not None:
                total = float((found.inputs.astype(float) * found.weights).sum()) + found.bias
                assert total == pytest.approx(found.before, abs=1e-3, rel=1e-3)
                assert found.value == maps[-1, row, column]
                told += 1
    assert told >= 2


def test_a_few_layers_are_chosen_from_the_first_on(detector: Detector) -> None:
    inside = detector.inside
    assert inside.chosen[0] == 0
    assert len(inside.chosen) == min(6, len(inside.layers))
    assert inside.chosen == sorted(set(inside.chosen))
    sizes = [inside.layers[k].shape[1] for k in inside.chosen]
    assert sizes == sorted(sizes, reverse=True)
    assert inside.layers[0].filters is not None
    assert inside.layers[0].filters.shape[1] == 3


def test_of_many_layers_of_one_size_some_are_chosen_from_the_first_to_the_last() -> None:
    line = ", ".join(["conv 2 3x3 same"] * 40) + ", gap"
    inside = detector_of(as_if_trained(line, 16), 16).inside
    assert len(inside.layers) == 40
    gaps = np.diff(inside.chosen)
    assert (inside.chosen[0], inside.chosen[-1], len(gaps)) == (0, 39, 5)
    assert gaps.max() <= 2 * gaps.min()


def test_the_strongest_patch_is_where_the_pattern_was_put() -> None:
    module = as_if_trained("conv 1 4x4, gap", 64)
    conv = next(part for part in module.modules() if isinstance(part, torch.nn.Conv2d))
    pattern = np.random.default_rng(0).integers(0, 2, (4, 4)) * 255
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(pattern / 127.5 - 1).expand(1, 3, 4, 4))
    images = [np.full((64, 64, 3), 128, np.uint8) for _ in range(3)]
    for image, (top, left) in zip(images, ((8, 40), (30, 12), (50, 50)), strict=True):
        image[top : top + 4, left : left + 4] = pattern[..., None]
    images[1][30:34, 12:16] //= 2  # a weaker one
    patches = detector_of(module, 64).inside.strongest(images, 0, channel=0)
    assert [patch.picture for patch in patches][-1] == 1
    by_picture = {patch.picture: patch.box for patch in patches}
    assert (64 * by_picture[0].top, 64 * by_picture[0].left) == (8, 40)
    assert (64 * by_picture[2].top, 64 * by_picture[2].left) == (50, 50)


def test_what_is_seen_from_a_canvas_is_in_the_pictures_own_pixels() -> None:
    """On a canvas that is wider than the picture, which stands there at its own size."""
    inside, image = boxes_detector(64, 128).inside, noise(64, 70)
    assert inside.field_size(0) == (3, 3)
    box = inside.seen(image, 0, row=10, column=20)
    top, bottom, left, right = (
        round(side * at)
        for side, at in ((64, box.top), (64, box.bottom), (70, box.left), (70, box.right))
    )
    assert (top, bottom, left, right) == (19, 22, 39, 42)
    (before,) = inside.maps(image, [0])
    other = image.copy()
    other[top:bottom, left:right] = 255 - other[top:bottom, left:right]
    (after,) = inside.maps(other, [0])
    changed = np.argwhere(np.abs(after - before).max(0) > 0)
    assert changed.min(0).tolist() == [9, 19]
    assert changed.max(0).tolist() == [11, 21]
    beside = inside.seen(image, 0, row=10, column=60)
    assert beside.left == beside.right == 1


def test_no_strongest_patch_lies_on_the_canvas_beside_the_picture() -> None:
    inside, image = boxes_detector(64, 128).inside, np.full((64, 70, 3), 100, np.uint8)
    for number, layer in enumerate(inside.layers):
        (maps,) = inside.maps(image, [number])
        for channel in range(layer.shape[0]):
            patch = inside.peak(image, number, maps[channel], picture=0)
            assert patch.box.left < patch.box.right
    values = np.zeros(inside.layers[0].shape[1:], np.float32)
    values[3, 34], values[5, 36] = 1, 2  # the last column that begins in the picture, and grey
    assert inside.peak(image, 0, values, picture=0).value == 1


def test_the_pixels_of_joined_networks_are_no_layer() -> None:
    """Each rescales them as it wants them, by parameters that the file computes."""
    inside = detector_of(as_if_trained("timm:test_resnet+test_efficientnet", 64), 64).inside
    assert inside.layers[0].kind.startswith("conv")
    filters = [layer.filters is not None for layer in inside.layers]
    assert sum(filters) == 2  # those of the first layer of each


def test_the_mirror_image_is_no_layer_of_its_own() -> None:
    kinds = [
        [layer.kind for layer in detector_of(as_if_trained(TEXT, 64, mirror=m), 64).inside.layers]
        for m in (False, True)
    ]
    assert kinds[0] == kinds[1]


def test_a_form_that_is_no_onnx_file_says_so(run: Path) -> None:
    detector = Detector(run)
    detector.session.graph = lambda: None  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="ONNX"):
        Inside(detector)
