"""A detector file read and asked: one ONNX graph from raw pixels to answers, labels inside."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, PictureError
from ..parallel import in_order
from ..pictures.canvas import Canvas, Frame
from ..pictures.decode import RGB
from ..pictures.folder import PassedOver, ignore
from ..pictures.shards.read import streamed
from ..pictures.source import Source
from ..tasks.task import task_named
from .inputs import Picture, Share, find_sources, pixels_of, source_of
from .sessions.open import open_session
from .sessions.session import CLASS_MAPS, SIZES, WINDOWS, Session

if TYPE_CHECKING:
    from ..tasks.answers import Prediction

Probabilities = npt.NDArray[np.float32]
"""One number per class, in the order of the detector's labels."""


class Predictor:
    """What `Detector` is made on: its file, and its answers for pictures.

    Arguments and errors are those of `Detector`.
    """

    def __init__(self, file: str | Path | bytes) -> None:
        self.session = open_session(file)
        """The graph in its runtime."""
        self.path = self.session.path
        """The file; None where it came as bytes."""
        self.digest = self.session.digest
        """The file's checksum: no other detector has it."""
        self.size = self.session.size
        """The file's bytes."""
        self.runtime = self.session.runtime
        """The package that computes."""
        self.metadata = self.session.metadata
        shapes = self.session.shapes
        try:
            self.labels = tuple(str(label) for label in json.loads(self.metadata["labels"]))
            """The classes, in the order of the outputs."""
            self.task = task_named(self.metadata.get("task"))
            """The kind of its answers."""
            if not self.task.fits(shapes, self.labels):
                raise ValueError("its output or labels are not a detector's")
            rule = json.loads(self.metadata.get("rule", "null"))
            self.rule = self.task.rule(rule, self.labels)
            """How answers follow from outputs."""
        except (ConvlensError, ValueError, TypeError, IndexError) as error:
            raise ConvlensError(
                f"{self.session.name} is not a convlens detector: {error}"
            ) from error
        self._outputs = [name for name in self.task.outputs if name in shapes]

    @property
    def frame(self) -> Frame:
        """What pictures are brought to before the network sees them."""
        canvas = self.metadata.get("canvas")
        return Canvas(*json.loads(canvas)) if canvas else int(self.metadata["size"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.labels)})"

    def provenance(self) -> dict[str, Any]:
        """What the file says of how it was made: network, seed, data, metrics."""
        return {
            name: json.loads(text) if text[:1] in "[{" else text
            for name, text in self.metadata.items()
            if name != CLASS_MAPS
        }

    def predict(self, picture: Picture) -> "Prediction":
        """The answer for one picture.

        Args:
            picture: A path, a PIL image, upright uint8 RGB pixels [height, width, 3] of any size,
                or the bytes of a file.

        Raises:
            PictureError: The picture is not there or cannot be read.
            UsageError: It is a folder, or nothing of the kind.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> detector.predict("photo.jpg").predicted
            'disc'
        """
        source = source_of(picture)
        try:
            return self._predict(source)
        except PictureError as error:
            raise PictureError(f"{source.name}: {error}") from error

    def predict_many(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        share: Share = (0, 1),
        workers: int | None = None,
        passed_over: PassedOver = ignore,
    ) -> "Iterator[Prediction]":
        """The answers for many pictures, one by one, in their order, with bounded memory.

        Args:
            pictures: A file, a folder, a pattern such as `photos/*.jpg`, shards (a folder, pattern
                or URL of `.tar` files), what `predict` takes, or several of them.
            share: (k, n) for part k of n, from 0: whole shards, and every n-th file.
            workers: Threads; by default as many as there are cores.
            passed_over: Is told the name of a folder that is passed over, and why: it may not be
                listed, systems make it, or it is a training run's.

        Returns:
            Predictions; that of a picture or a shard that cannot be read has its `error`.

        Raises:
            ConvlensError: There are no shards where they should be.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> for prediction in detector.predict_many("photos/"):
            ...     print(prediction.name, prediction.predicted)
            photos/1.jpg disc
            photos/2.jpg cross
        """
        sources = find_sources(pictures, share=share, passed_over=passed_over)
        return in_order(self.predict_source, streamed(sources), workers=workers)

    def predict_source(self, source: Source) -> "Prediction":
        """The answer for one picture; that of one that cannot be read has its `error`."""
        try:
            return self._predict(source)
        except PictureError as error:
            return self.task.predict(
                source.name, [], classes=self.labels, rule=self.rule, error=str(error)
            )

    def _predict(self, source: Source) -> "Prediction":
        return self.answer(source.name, self.outputs(pixels_of(source)))

    def outputs(self, image: RGB) -> list[npt.NDArray[Any]]:
        """What answers are made of, for upright uint8 RGB [height, width, 3] of any size."""
        return self.session.run(image, self._outputs)

    def answer(self, name: str, outputs: list[npt.NDArray[Any]]) -> "Prediction":
        """The answer for a picture of that name from its outputs."""
        return self.task.predict(name, outputs, classes=self.labels, rule=self.rule)

    def predict_proba(self, images: npt.NDArray[np.uint8] | Sequence[RGB]) -> Probabilities:
        """The probabilities of pixels.

        Args:
            images: Upright uint8 RGB [N, height, width, 3], or a list of [height, width, 3] of
                any sizes.

        Returns:
            float32 [N, K], a column per class in the order of `labels`.

        Raises:
            PictureError: An image has another type or shape.

        Examples:
            >>> detector = Detector("runs/pictures")
            >>> images_NHWC = np.zeros((3, 480, 640, 3), np.uint8)
            >>> detector.predict_proba(images_NHWC).shape
            (3, 2)
        """
        probabilities = list(in_order(self.probabilities, images))
        if not probabilities:
            return np.zeros((0, len(self.labels)), np.float32)
        return np.stack(probabilities)

    def probabilities(self, image: RGB) -> Probabilities:
        """Upright uint8 RGB [height, width, 3] of any size to its first output [K]."""
        probabilities: Probabilities = self.session.run(image, self._outputs[:1])[0]
        return probabilities

    @cached_property
    def class_maps(self) -> Session | None:
        """The graph with the output `class_maps` besides; None where the file has none."""
        part = self.metadata.get(CLASS_MAPS)
        return self.session.extended(b64decode(part)) if part else None

    def window_logits(self, image: RGB, sizes: tuple[int, int]) -> Probabilities:
        """Logits [K, down, across] of each window in a picture squashed to (height, width).

        Only where the file's metadata has `slides`, and for sizes from its own side upwards.
        """
        constants = {SIZES: np.array(sizes, np.int64)}
        logits: Probabilities = self.session.run(image, [WINDOWS], constants)[0]
        return logits
