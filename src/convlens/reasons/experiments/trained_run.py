"""A trained run on pictures that are new to it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...dataset.examples import to_float
from ...detector.detector import Detector
from ...engine.checkpoint import read_parameters
from ...errors import UsageError
from ...files import read_csv, read_json
from ...network.classifier import Classifier
from ...parallel import in_order
from ...pictures.read import read_catalog
from ...pictures.store import open_store
from ...progress import Progress
from ...transfer.pretrained import NetworkChoice
from .dependence.effective_field import effective_field
from .filters import measure as filters
from .translation.invariance import Pixels
from .translation.measure import PICTURES, Subject

FILTER_PICTURES, FIELD_PICTURES = 200, 8
"""Pictures on which filters are shown, and over which the effective field is a mean."""


class TrainedRun:
    """A run's detector and network, and pictures from which they did not learn.

    Args:
        folder: The run's folder.
        pictures: Where to look for pictures new to it.
        progress: Called while pictures are read.
    """

    def __init__(self, folder: Path, pictures: str | Path, *, progress: Progress) -> None:
        self.folder = folder
        self.pictures = pictures
        self.progress = progress

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the run wrote of itself."""
        return read_json(self.folder / "run.json")

    @cached_property
    def module(self) -> Classifier:
        """The detector's network with its parameters."""
        network = self.record["network"]
        choice = NetworkChoice(network["network"], "none")
        module = choice.module(network["size"], classes=len(self.record["classes"]))
        module.load_state_dict(read_parameters(self.folder / "parameters.safetensors"))
        return module.eval()

    @cached_property
    def unseen(self) -> Pixels:
        """Pictures [N, S, S, 3] that the detector did not learn from, as its network takes them.

        Raises `UsageError` where there are none.
        """
        manifest = read_csv(self.folder / "manifest.csv")
        learnt = {row["hash"] for row in manifest if row["split"] != "test"}
        store = open_store(
            read_catalog(self.pictures), self.record["plan"]["size"], progress=self.progress
        )
        rows = [
            store.rows[row]
            for row in range(len(store.rows))
            if row not in store.bad and store.contents.hex(row) not in learnt
        ]
        if not rows:
            raise UsageError(
                f"the detector learnt from all of {self.pictures}: give pictures new to it"
            )
        spread = np.linspace(0, len(rows) - 1, min(len(rows), PICTURES)).astype(int)
        return np.ascontiguousarray(store.pixels[np.array(rows)[spread]])

    def subject(self) -> Subject:
        """The detector and the pictures, for `translation`."""
        detector = Detector(self.folder / "detector.onnx")

        def predict(pictures_NHWC: Pixels) -> np.ndarray:
            return np.stack(list(in_order(detector.probabilities, list(pictures_NHWC))))

        return Subject(predict, self.unseen, detector.digest)

    def filters(self) -> filters.Filters:
        """What the network's filters look for."""
        pictures = self.unseen[:FILTER_PICTURES]
        pixels = to_float(torch.from_numpy(pictures[:FIELD_PICTURES]))
        fields = {}
        for name, layer in filters.convolutions(self.module):
            field = effective_field(self.module, layer, name=name, pixels_NCHW=pixels)
            fields[name] = max(*layer.kernel_size, round(field.side))
        return filters.measure(self.module, pictures, fields=fields)
