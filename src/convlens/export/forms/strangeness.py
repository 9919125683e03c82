"""How strange pictures are to a form whose features are others: as many as before exceed 1."""

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...detector.detector import Detector
from ...errors import ConvlensError
from ...parallel import in_order
from ...pictures.decode import RGB
from ..metadata import with_metadata

STRANGENESS = "strangeness"
PICTURES = 200
"""Training pictures by which it is set."""
USUAL = 0.99
"""The share of them that is compared: what exceeds 1 is called strange, about 1 %."""


def with_same_strangeness(
    model: onnx.ModelProto,
    metadata: dict[str, str],
    *,
    original: Detector,
    pictures: Iterable[RGB],
) -> onnx.ModelProto:
    """The graph with its strangeness in other units, if it has any.

    Its 99th percentile over training pictures becomes the original's. What a form adds to features
    lies outside the usual directions more often than not, so without this all would be stranger.
    """
    graph = model.graph
    if STRANGENESS not in {output.name for output in graph.output}:
        return model
    form = Detector(with_metadata(model, metadata))

    def strangeness(image: RGB) -> list[float]:
        return [float(detector.outputs(image)[1]) for detector in (original, form)]

    of_each = np.array(list(in_order(strangeness, pictures)))
    if not len(of_each):
        raise ConvlensError(
            "none of the pictures that the detector learnt from can be read, by which this form "
            "tells what is strange: bring them back to where the run's manifest.csv has them"
        )
    before, after = np.quantile(of_each, USUAL, axis=0, method="higher")
    if not before or not after:
        return model
    node = next(node for node in graph.node if STRANGENESS in node.output)
    node.output[list(node.output).index(STRANGENESS)] = raw = f"{STRANGENESS}:raw"
    factor = numpy_helper.from_array(np.float32(before / after), f"{STRANGENESS}:factor")
    graph.initializer.append(factor)
    graph.node.append(helper.make_node("Mul", [raw, factor.name], [STRANGENESS], name=STRANGENESS))
    return model
