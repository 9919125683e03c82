"""A pretrained network's features of every picture, computed once and remembered."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from ..dataset.examples import Examples, to_float
from ..detector.integrity import check_graph
from ..errors import ConvlensError
from ..export.conversion import network_graph
from ..parallel import in_order
from ..pictures.cache import cache_folder, recall, remember
from ..progress import Progress
from .head import FeatureSet
from .pretrained import Pretrained

Features = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

TIMED = 7
"""Pictures that are timed to tell how long one takes."""


class _Features(nn.Module):
    """uint8 [N, S, S, 3] to features [N, D]."""

    def __init__(self, module: Pretrained) -> None:
        super().__init__()
        self.module = module

    def forward(self, squashed_NHWC: Tensor) -> Tensor:
        return self.module.features(to_float(squashed_NHWC))


def features_of(module: Pretrained, examples: Examples, *, progress: Progress) -> Features:
    """Features [N, V, D] of each picture, and of its mirror image where the module sees that too.

    Computed by ONNX Runtime, a picture a core, which is several times as fast here as torch, and
    kept in the cache folder by the pixels and the parameters.
    """
    state = module.state_dict()
    key = hashlib.sha256(b"mirrored" if module.tta_hflip else b"")
    for name in sorted(name for name in state if not name.startswith("layers.head.")):
        key.update(state[name].numpy().tobytes())
    for row in examples.rows:
        key.update(hashlib.blake2b(examples.pixels[row].data, digest_size=16).digest())
    path = cache_folder("features") / f"{key.hexdigest()}.npy"
    cached = recall(path)
    if cached is not None and len(cached) == len(examples):
        return cached
    compute = _computing(module, examples.pixels.shape[1])
    pictures = (examples.pixels[row] for row in examples.rows.tolist())
    out: Features | None = None
    for done, features in enumerate(in_order(compute, pictures), 1):
        if out is None:
            out = np.empty((len(examples), *features.shape), np.float32)
        out[done - 1] = features
        progress("computing features", done, len(examples))
    if out is None:
        out = np.empty((0, 1 + module.tta_hflip, module.head.in_features), np.float32)
    remember(path, out)
    return out


def _computing(module: Pretrained, size: int) -> Callable[[Pixels], Features]:
    """What computes a picture's features [V, D] on one core, of pixels [size, size, 3]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = network_graph(_Features(module), size, "features").SerializeToString()
    try:
        check_graph(graph)  # what a detector may not do is better known before it is trained
    except ValueError as error:
        raise ConvlensError(f"no detector can be made of this network, as {error}") from error
    session = onnxruntime.InferenceSession(
        graph,
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name

    def compute(picture: Pixels) -> Features:
        views = [picture[None]]
        if module.tta_hflip:
            views.append(np.ascontiguousarray(picture[None, :, ::-1]))
        return np.concatenate([session.run(None, {name: view})[0] for view in views])

    return compute


def seconds_per_picture(module: Pretrained, size: int) -> float:
    """Of computing the features of one picture in all its views, on one core: the median."""
    compute, blank = _computing(module, size), np.zeros((size, size, 3), np.uint8)
    taken = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        compute(blank)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


@dataclass(frozen=True)
class FeatureTable:
    """Features [N, V, D] of stored pictures: `rows` [N] of the pixel store."""

    rows: npt.NDArray[np.int64]
    features: Tensor

    @staticmethod
    def compute(
        module: Pretrained, examples: Sequence[Examples], *, progress: Progress
    ) -> "FeatureTable":
        """The features of all these examples, which share one pixel store."""
        first = examples[0]
        rows = np.concatenate([part.rows for part in examples])
        whole = Examples(
            first.pixels,
            rows,
            labels=np.concatenate([part.labels for part in examples]),
            classes=first.classes,
        )
        return FeatureTable(rows, torch.from_numpy(features_of(module, whole, progress=progress)))

    @staticmethod
    def joined(tables: "Sequence[FeatureTable]") -> "FeatureTable":
        """Those of several backbones of the same pictures, side by side."""
        return FeatureTable(tables[0].rows, torch.cat([table.features for table in tables], 2))

    def of(self, examples: Examples) -> FeatureSet:
        """Those of some of the examples, with their labels and groups."""
        index = {row: k for k, row in enumerate(self.rows.tolist())}
        groups = examples.groups if examples.groups is not None else np.arange(len(examples))
        return FeatureSet(
            self.features[[index[row] for row in examples.rows.tolist()]],
            torch.from_numpy(examples.labels),
            groups=torch.from_numpy(groups),
        )
