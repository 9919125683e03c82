"""A pretrained network's features of every picture, computed once and remembered."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from ..dataset.examples import Examples, to_float
from ..detector.integrity import check_graph
from ..errors import ConvlensError
from ..export.conversion import network_graph
from ..parallel import cores, in_order
from ..pictures.cache import cache_folder, cache_limit, forget, recall, remember
from ..progress import Progress
from .head import FeatureSet
from .pretrained import Pretrained

Features = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

TIMED = 7
"""Pictures that are timed to tell how long one takes."""
SHARE = 4
"""Features of pictures take at most one part in so many of what pixels may take in the cache."""
TRIED = 4
"""Pictures on each core that tell how long all will take."""


class _Features(nn.Module):
    """uint8 [N, S, S, 3] to features [N, D]."""

    def __init__(self, module: Pretrained) -> None:
        super().__init__()
        self.module = module

    def forward(self, squashed_NHWC: Tensor) -> Tensor:
        return self.module.features(to_float(squashed_NHWC))


class Extraction:
    """The features of some pictures by one module, remembered or still to be computed.

    They are computed by ONNX Runtime, a picture a core, which is several times as fast here as
    torch, and kept in the cache folder by the pixels and the parameters.
    """

    def __init__(self, module: Pretrained, examples: Examples) -> None:
        self._module, self._examples = module, examples
        self._path = cache_folder("features") / f"{_key(module, examples)}.npy"
        self._known = self._recalled()

    def seconds(self) -> float:
        """What there is to compute will take, by some of the pictures; 0 where nothing is."""
        rows = self._examples.rows[: TRIED * cores()]
        if self._known is not None or not len(rows):
            return 0.0
        self._compute(self._examples.pixels[rows[0]])  # which allocates
        begun = time.perf_counter()
        for _ in in_order(self._compute, (self._examples.pixels[row] for row in rows.tolist())):
            pass
        return (time.perf_counter() - begun) * len(self._examples) / len(rows)

    def features(self, progress: Progress) -> Features:
        """[N, V, D] of each picture, and of its mirror image where the module sees that too."""
        if self._known is not None:
            return self._known
        examples = self._examples
        out = np.empty((len(examples), *self._shape), np.float32)
        pictures = (examples.pixels[row] for row in examples.rows.tolist())
        for done, features in enumerate(in_order(self._compute, pictures), 1):
            out[done - 1] = features
            progress("computing features", done, len(examples))
        if self._recalled() is None:  # another run may have been as quick
            remember(self._path, out)
            forget(self._path.parent, cache_limit() // SHARE)
        mapped = self._recalled()
        return out if mapped is None else mapped

    def _recalled(self) -> Features | None:
        known = recall(self._path, mapped=True)
        return known if known is not None and len(known) == len(self._examples) else None

    def table(self, progress: Progress) -> "FeatureTable":
        """The same by each backbone."""
        features = torch.from_numpy(self.features(progress))
        parts = self._module.published.parts.values()
        widths: list[int] = [part.head_hidden_size for part in parts]  # type: ignore[misc]
        return FeatureTable(self._examples.rows, torch.split(features, widths, 2))

    @property
    def _shape(self) -> tuple[int, int]:
        return 1 + self._module.tta_hflip, self._module.head.in_features

    @cached_property
    def _compute(self) -> Callable[[Pixels], Features]:
        return _computing(self._module, self._examples.pixels.shape[1])


def features_of(module: Pretrained, examples: Examples, *, progress: Progress) -> Features:
    """Features [N, V, D] of each picture: see `Extraction`."""
    return Extraction(module, examples).features(progress)


def _key(module: Pretrained, examples: Examples) -> str:
    """Of the pixels, the parameters, and the layers: others may have the same parameters."""
    state = module.state_dict()
    key = hashlib.sha256(b"mirrored" if module.tta_hflip else b"")
    for backbone in module.published.parts.values():
        key.update(repr(backbone).encode())
    for name in sorted(name for name in state if not name.startswith("layers.head.")):
        key.update(state[name].numpy().tobytes())
    for row in examples.rows:
        key.update(hashlib.blake2b(examples.pixels[row].data, digest_size=16).digest())
    return key.hexdigest()


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
    """Features of stored pictures, `rows` [N] of the pixel store: [N, V, D] by each backbone."""

    rows: npt.NDArray[np.int64]
    parts: tuple[Tensor, ...]

    @staticmethod
    def joined(tables: "Sequence[FeatureTable]") -> "FeatureTable":
        """Those of several backbones of the same pictures."""
        return FeatureTable(tables[0].rows, tuple(part for table in tables for part in table.parts))

    def of(self, examples: Examples) -> FeatureSet:
        """Those of some of the examples, with their labels and groups."""
        groups = examples.groups if examples.groups is not None else np.arange(len(examples))
        some: slice | list[int] = slice(len(self.rows))  # which is no copy
        if not np.array_equal(examples.rows, self.rows):
            index = {row: k for k, row in enumerate(self.rows.tolist())}
            some = [index[row] for row in examples.rows.tolist()]
        return FeatureSet(
            tuple(part[some] for part in self.parts),
            torch.from_numpy(examples.labels),
            groups=torch.from_numpy(groups),
        )
