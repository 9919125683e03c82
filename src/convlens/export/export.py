"""Writing the detector file: raw pixels in, probabilities out, one ONNX graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from ..dataset.examples import to_float
from ..detector.sessions.session import CLASS_MAPS, INPUT, SIZES, SQUASHED, WINDOWS
from ..network.classifier import Classifier
from ..pictures.resize import ATTRIBUTES
from ..tasks.learning import Objective
from ..tasks.task import task_named
from .apart import taken_apart
from .conversion import OPSET, network_graph
from .metadata import with_metadata
from .sliding import Sliding, counted_pass, sliding

IR_VERSION = helper.find_min_ir_version_for([helper.make_opsetid("", OPSET)])
"""The oldest that has these operators: older runtimes refuse a file of a newer one."""


class _FromPixels(nn.Module):
    """uint8 [N, S, S, 3] to probabilities [N, K]: what follows the resize in the file.

    And strangeness [N], where it is measured, which is for pretrained features only.
    """

    def __init__(
        self, module: nn.Module, objective: Objective, *, strangeness: nn.Module | None
    ) -> None:
        super().__init__()
        self.module = module
        self.objective = objective
        self.strangeness = strangeness

    def forward(self, squashed_NHWC: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        pixels = to_float(squashed_NHWC)
        if self.strangeness is None:
            return self.objective.probabilities(self.module(pixels))
        logits, features = self.module.answer(pixels)  # type: ignore[operator]
        return self.objective.probabilities(logits), self.strangeness(features)


class _ForWindows(nn.Module):
    """uint8 [N, H, W, 3] to probabilities [N, K], logits of every window [N, K, h, w].

    And strangeness [N], where it is measured, and class maps, where there are such. With one
    window, as usual, the first are its answer.
    """

    def __init__(
        self, slid: Sliding, objective: Objective, *, strangeness: nn.Module | None
    ) -> None:
        super().__init__()
        self.slid = slid
        self.objective = objective
        self.strangeness = strangeness

    def forward(self, squashed_NHWC: Tensor) -> tuple[Tensor, ...]:
        views = self.slid.views(to_float(squashed_NHWC))
        logits, features = self.slid.answer(views)
        outputs: tuple[Tensor, ...] = (self.objective.probabilities(logits.mean((2, 3))), logits)
        if self.strangeness is not None:
            outputs = (*outputs, self.strangeness(features.mean((2, 3))))
        class_maps = self.slid.class_maps(views)
        return outputs if class_maps is None else (*outputs, class_maps)


def resize_graph() -> onnx.ModelProto:
    """The resize alone, with the target size as an input: what `pictures/resize.onnx` holds."""
    graph = helper.make_graph(
        [helper.make_node("Resize", [INPUT, "", "", "sizes"], [SQUASHED], **ATTRIBUTES)],
        "resize",
        [
            helper.make_tensor_value_info(
                INPUT, TensorProto.UINT8, ["batch", "height", "width", 3]
            ),
            helper.make_tensor_value_info("sizes", TensorProto.INT64, [2]),
        ],
        [helper.make_tensor_value_info(SQUASHED, TensorProto.UINT8, ["batch", None, None, 3])],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


def strip(model: onnx.ModelProto, name: str) -> None:
    """Name a graph, and remove what the exporter notes about its source: paths, lines, docs."""
    graph = model.graph
    graph.name = name
    model.producer_name, model.producer_version = "convlens", ""
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    graph.ClearField("metadata_props")
    graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.doc_string = ""
    del graph.value_info[:]


def export(
    module: Classifier,
    size: int,
    *,
    labels: Sequence[str],
    metadata: Mapping[str, Any],
    objective: Objective,
    strangeness: nn.Module | None = None,
) -> bytes:
    """The detector file's bytes: the same for the same parameters, labels and metadata.

    `module` maps float pixels 0 to 1 [N, 3, size, size] to logits [N, K]. `labels` are the classes'
    names in the order of the outputs, `objective` is the task's. Metadata values are kept
    as text, or as JSON; `multiplications` among them are the file's own for one picture, whose
    mirror image counts too where the module looks at it.
    Raises `onnx.checker.ValidationError` where the graph is not sound.
    """
    plain = module.float().to(memory_format=torch.contiguous_format).eval()
    output, *others = task_named(objective.task).outputs
    slid = sliding(plain, size)
    others = others if strangeness is not None else []
    if slid is None:
        whole = _FromPixels(plain, objective, strangeness=strangeness)
        model, slides = network_graph(whole, size, output, *others), None
        multiplications = counted_pass(plain, size, size)[1]
    else:
        slides = slid.slides(size)
        multiplications = slides["multiplications"][0][0]
        outputs = [output, WINDOWS, *others, *[CLASS_MAPS] * (slid.unpooled is not None)]
        # several windows, so that the exporter takes none of the steps between them for idle
        several = (size + 2 * slides["stride"], size + slides["stride"])
        model = network_graph(
            _ForWindows(slid, objective, strangeness=strangeness), several, *outputs
        )
    graph = model.graph
    strip(model, "detector")
    apart = taken_apart(graph, CLASS_MAPS)
    sizes = helper.make_tensor(SIZES, TensorProto.INT64, [2], [size, size])
    graph.initializer.append(sizes)
    resize = helper.make_node("Resize", [INPUT, "", "", sizes.name], [SQUASHED], **ATTRIBUTES)
    resize.name = "squash"
    graph.node.insert(0, resize)
    del graph.input[:]
    shape = ["batch", "height", "width", 3]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
    for output in graph.output:
        _any_size(output)
    entries = {
        "format": "convlens detector 1",
        "task": objective.task,
        "labels": list(labels),
        "size": size,
        "multiplications": multiplications,
        **metadata,
    }
    entries |= {"slides": slides} if slides else {}
    return with_metadata(model, entries | ({CLASS_MAPS: apart} if apart else {}))


def _any_size(output: onnx.ValueInfoProto) -> None:
    """Take the example's numbers of windows out of an output's shape."""
    for name, side in zip(("down", "across"), output.type.tensor_type.shape.dim[2:], strict=False):
        side.dim_param = name
