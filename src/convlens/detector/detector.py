"""A detector file: one ONNX graph from raw pixels to probabilities, with its labels inside."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, PictureError
from ..files import saying_where
from ..parallel import in_order
from ..pictures.decode import RGB, decode
from ..pictures.shards.read import streamed
from ..pictures.source import Source
from .integrity import checksum, look_through, unseal
from .rule import MOST_PROBABLE, UNSURE, Rule

INPUT, OUTPUT, STRANGENESS = "image", "probabilities", "strangeness"
SIZES, WINDOWS = "squash_to", "windows"
"""A constant: height and width [2] that the picture is squashed to. An output: logits
[N, K, down, across] of each window of the network's own size in it; one window, for that constant.
"""


def _part(number: int, data: bytes) -> bytes:
    """A field of protobuf's wire format, shorter than 128 bytes."""
    return bytes((number << 3 | 2, len(data))) + data


_PAIR = _part(1, b"\x08\x07" + _part(2, _part(1, b"\x08\x02")))
_SIZES_GIVEN = _part(7, _part(11, _part(1, SIZES.encode()) + _part(2, _PAIR)))
"""After a model, it makes that constant an input that may be left out: messages that follow each
other are one (an input in the file itself would make ONNX Runtime warn every other reader)."""

Probabilities = npt.NDArray[np.float32]
"""One number per class, in the order of the detector's labels; they sum to 1."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture, or the reason why there is none."""

    name: str
    probabilities: Probabilities | None
    _: KW_ONLY
    labels: tuple[str, ...]
    error: str | None = None
    class_index: int | None = None
    """The answer as an index into `labels`; None where there is none."""
    strangeness: float | None = None
    """How unlike the training pictures it is, 0 and up; None where the file cannot tell."""

    @property
    def strange(self) -> bool:
        """Whether it is unlike what the detector learnt from, as only 1 % of such pictures are."""
        return self.strangeness is not None and self.strangeness > 1

    @property
    def predicted(self) -> str | None:
        """The answer: a class, as the detector's rule has it, or `unsure`."""
        if self.probabilities is None:
            return None
        return UNSURE if self.class_index is None else self.labels[self.class_index]

    @property
    def probability(self) -> float | None:
        """The answer's probability, 0 to 1; the highest one where it is `unsure`."""
        if self.probabilities is None:
            return None
        k = self.class_index
        return float(self.probabilities.max() if k is None else self.probabilities[k])

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` most probable classes with their probabilities, the first one first."""
        if self.probabilities is None:
            return []
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[k], float(self.probabilities[k])) for k in order]


class Detector:
    """A trained detector, from a file that `convlens train` wrote (or from its bytes).

    Each picture is run by itself on one core, and many pictures on all cores: so a picture's
    answer never depends, not in its last bit, on which others it came with.
    Raises `ConvlensError` where the file is no detector, or was changed since it was written.
    """

    def __init__(self, file: str | Path | bytes) -> None:
        import onnxruntime

        self.path = None if isinstance(file, bytes) else Path(file)
        where = str(self.path or "the detector")
        if self.path is not None:
            if self.path.is_dir():
                self.path = self.path / "detector.onnx"
            with saying_where(self.path, "read"):
                data = self.path.read_bytes()
        else:
            assert isinstance(file, bytes)  # noqa: S101
            data = file
        try:
            look_through(unseal(data))
            self.digest = checksum(data)
        except ValueError as error:
            raise ConvlensError(f"{where} is not a convlens detector: {error}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                data + _SIZES_GIVEN, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            self.labels = tuple(str(label) for label in json.loads(self.metadata["labels"]))
            shape = self._session.get_outputs()[0].shape
            names = [output.name for output in self._session.get_outputs()]
            self._outputs = [name for name in (OUTPUT, STRANGENESS) if name in names]
            if [i.name for i in self._session.get_inputs()] != [INPUT] or shape[1] != len(
                self.labels
            ):
                raise ValueError("its input, output or labels are not a detector's")
            rule = json.loads(self.metadata.get("rule", "null"))
            self.rule = Rule.from_json(rule, len(self.labels)) if rule else MOST_PROBABLE
        except KeyError:
            raise ConvlensError(
                f"{where} is an ONNX file without labels: it was not made by convlens"
            ) from None
        except Exception as error:  # ONNX Runtime raises many kinds of its own
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ConvlensError(f"{where} is not a convlens detector: {reason}") from error

    def __repr__(self) -> str:
        return f"Detector({', '.join(self.labels)})"

    def provenance(self) -> dict[str, Any]:
        """What the file says of how it was made: network, seed, data, metrics."""
        return {
            name: json.loads(text) if text[:1] in "[{" else text
            for name, text in self.metadata.items()
        }

    def probabilities(self, image: RGB) -> Probabilities:
        """Upright uint8 RGB [height, width, 3] of any size to probabilities [K]."""
        out: Probabilities = self._run(image, [OUTPUT])[0]
        return out

    def window_logits(self, image: RGB, sizes: tuple[int, int]) -> Probabilities:
        """Logits [K, down, across] of each window in a picture squashed to (height, width).

        Only where the file's metadata has `slides`, and for sizes from its own side upwards.
        """
        out: Probabilities = self._run(image, [WINDOWS], more={SIZES: np.array(sizes, np.int64)})[0]
        return out

    def _run(
        self, image: RGB, outputs: list[str], *, more: dict[str, Any] | None = None
    ) -> list[Any]:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise PictureError(
                f"a picture is uint8 [height, width, 3]; got {image.dtype} {list(image.shape)}"
            )
        try:
            return [
                output[0]
                for output in self._session.run(outputs, {INPUT: image[None], **(more or {})})
            ]
        except Exception as error:  # of ONNX Runtime, which raises many kinds
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ConvlensError(
                f"{self.path or 'the detector'} failed on a picture of "
                f"{image.shape[1]}×{image.shape[0]} pixels: {reason}"
            ) from error

    def __call__(self, source: Source) -> Prediction:
        """Decode and run one picture; a picture that cannot be read becomes its error."""
        try:
            return self.answer(source.name, decode(source.read()))
        except PictureError as error:
            return Prediction(source.name, None, labels=self.labels, error=str(error))

    def answer(self, name: str, image: RGB) -> Prediction:
        """The answer for upright uint8 RGB [height, width, 3]. Raises `PictureError`."""
        probabilities, *more = self._run(image, self._outputs)
        class_index = int(self.rule.predict(probabilities[None])[0])
        strangeness = float(more[0]) if more else None
        prediction = Prediction(
            name,
            probabilities,
            labels=self.labels,
            class_index=class_index if class_index >= 0 else None,
            strangeness=strangeness,
        )
        if prediction.strange and self.rule.unsure_below:
            return replace(prediction, class_index=None)
        return prediction

    def predict(
        self, sources: Iterable[Source], workers: int | None = None
    ) -> Iterator[Prediction]:
        """Predictions in the order of the pictures, on all cores, with bounded memory."""
        return in_order(self, streamed(sources), workers=workers)
