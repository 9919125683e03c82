"""A pretrained network's features of every picture, computed once and remembered."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from ..dataset.examples import Examples, to_float
from ..export.conversion import network_graph
from ..parallel import in_order
from ..pictures.cache import cache_folder, recall, remember
from ..progress import Progress
from .head import FeatureSet
from .pretrained import Pretrained

Features = npt.NDArray[np.float32]

VIEWS = 2
"""Each picture as it is, and mirrored."""


class _Features(nn.Module):
    """uint8 [N, S, S, 3] to features [N, D]."""

    def __init__(self, module: Pretrained) -> None:
        super().__init__()
        self.module = module

    def forward(self, squashed_NHWC: Tensor) -> Tensor:
        return self.module.features(to_float(squashed_NHWC))


def features_of(module: Pretrained, examples: Examples, *, progress: Progress) -> Features:
    """Features [N, 2, D]: of each picture as it is, and of its mirror image.

    Computed by ONNX Runtime, a picture a core, which is several times as fast here as torch, and
    kept in the cache folder by the pixels and the parameters.
    """
    state = module.state_dict()
    key = hashlib.sha256()
    for name in sorted(name for name in state if not name.startswith("layers.classifier")):
        key.update(state[name].numpy().tobytes())
    for row in examples.rows:
        key.update(hashlib.blake2b(examples.pixels[row].data, digest_size=16).digest())
    path = cache_folder("features") / f"{key.hexdigest()}.npy"
    cached = recall(path)
    if cached is not None and len(cached) == len(examples):
        return cached
    size = examples.pixels.shape[1]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        network_graph(_Features(module), size, "features").SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name

    def compute(row: int) -> Features:
        picture = examples.pixels[row]
        views = (picture[None], np.ascontiguousarray(picture[None, :, ::-1]))
        return np.concatenate([session.run(None, {name: view})[0] for view in views])

    out: Features | None = None
    for done, features in enumerate(in_order(compute, examples.rows.tolist()), 1):
        if out is None:
            out = np.empty((len(examples), *features.shape), np.float32)
        out[done - 1] = features
        progress("computing features", done, len(examples))
    if out is None:
        out = np.empty((0, VIEWS, module.head.in_features), np.float32)
    remember(path, out)
    return out


@dataclass(frozen=True)
class FeatureTable:
    """Features [N, 2, D] of stored pictures: `rows` [N] of the pixel store."""

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

    def of(self, examples: Examples) -> FeatureSet:
        """Those of some of the examples, with their labels and groups."""
        index = {row: k for k, row in enumerate(self.rows.tolist())}
        groups = examples.groups if examples.groups is not None else np.arange(len(examples))
        return FeatureSet(
            self.features[[index[row] for row in examples.rows.tolist()]],
            torch.from_numpy(examples.labels),
            groups=torch.from_numpy(groups),
        )
