"""The experiments on a user's own pictures: prepared once, each section on its own."""

import csv
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...dataset.prepare import Dataset, prepare
from ...detector.detector import Detector
from ...engine.checkpoint import read_parameters
from ...errors import UsageError
from ...files import read_json
from ...network.build import Classifier
from ...network.layers import Conv, Residual
from ...network.spec import Architecture, Network, network
from ...options import DataOptions
from ...parallel import in_order
from ...pictures.catalog import read_catalog
from ...pictures.store import open_store
from ...transfer.pretrained import make_module
from ..section import Section
from . import efficiency, filters, learning, moving, regions
from .dependence import effective_field
from .lab import Notebook, drawn, largest_side
from .learning import Data
from .translation import Answers, Pixels

MOST_EXAMPLES, EXAMPLES_A_MINUTE = 12_800, 200
"""Training pictures up to which learning curves go, if there are minutes enough for them."""
MOST_JUDGED = 2000
"""Held-out pictures on which small networks are judged."""
SEEDS = 5
FILTER_PICTURES = 200
ARCHITECTURE_SIZE = 64


def plain(architecture: Architecture | None) -> Network | None:
    """The network itself where its twins can be made: text with convolutions, no shortcuts."""
    if not isinstance(architecture, Network):
        return None
    kinds = [type(layer) for layer in architecture.layers]
    return architecture if Conv in kinds and Residual not in kinds else None


class Bench:
    """What is known of the pictures and the detector, and how long experiments may take."""

    def __init__(
        self,
        architecture: Architecture | None,
        run: Path | None,
        *,
        pictures: str | Path | None,
        folder: Path,
        minutes: float,
        progress: Callable[[str, int, int], None],
    ) -> None:
        self.run = run
        self.pictures = pictures
        self.folder = folder
        self.minutes = minutes
        self.progress = progress
        self.conv = plain(architecture)
        self.notebooks: list[Notebook] = []

    def sections(self, key: str) -> list[Section]:
        """What can be measured for one section."""
        made = self._made(key)
        spared = sum(notebook.left_out for notebook in self.notebooks)
        self.notebooks.clear()
        if made and spared:
            note = (
                f"{spared} measurements were left out, as the time was over; with more --minutes "
                "they are added to those that are there."
            )
            made[-1] = replace(made[-1], notes=[*made[-1].notes, note])
        return made

    def _made(self, key: str) -> list[Section]:
        made: list[Section] = []
        with_pictures, detector = self.pictures is not None, self.run is not None
        match key:
            case "sharing":
                if detector and with_pictures:
                    made.append(self._filters())
                if with_pictures:
                    sides = self.data.train, self.data.val, self.data.test
                    made.append(regions.section(self._notebook(0.1), sides, conv=self.twins))
            case "translation":
                notebook = self._notebook(0.2)
                data = self.data if with_pictures else None
                pair = self._answers() if detector and with_pictures else None
                made.append(moving.section(notebook, self.twins, data=data, detector=pair))
            case "examples" if with_pictures:
                made.append(
                    learning.section(self._notebook(0.4), self.data, conv=self.twins, seeds=SEEDS)
                )
            case "efficiency" if with_pictures:
                notebook = self._notebook(0.3)
                made.append(efficiency.optimizer_section(notebook, self.data, conv=self.twins))
                each = round(max(0.05, 0.25 * self.minutes / len(efficiency.ARCHITECTURES)), 2)
                assert self.pictures is not None  # noqa: S101
                found = efficiency.architectures(
                    notebook,
                    self.pictures,
                    runs=self.folder / "runs",
                    size=ARCHITECTURE_SIZE,
                    minutes=each,
                )
                made.append(efficiency.architecture_section(found, ARCHITECTURE_SIZE, minutes=each))
        return made

    def _notebook(self, share: float) -> Notebook:
        data = self.dataset.fingerprint() if self.pictures is not None else ""
        folder, seconds = self.folder / "pieces", share * self.minutes * 60
        self.notebooks.append(Notebook(folder, data, progress=self.progress, seconds=seconds))
        return self.notebooks[-1]

    @cached_property
    def classes(self) -> int:
        """Classes of the pictures, or of the detector."""
        if self.pictures is not None:
            return len(self.dataset.classes)
        return self.conv.classes if self.conv else 2

    @cached_property
    def twins(self) -> Network:
        """The network whose twins are trained: the one given where they can be made, or LeNet's."""
        if self.conv is not None:
            side = largest_side(self.conv)
            if side is not None:
                return Network(self.conv.layers, side, self.classes)
        return self._lecture(32)

    def _lecture(self, size: int) -> Network:
        from ...network.named import NAMED

        return network(NAMED["lecture"].line, size, classes=self.classes)

    @cached_property
    def dataset(self) -> Dataset:
        """The pictures at the twins' side."""
        if self.pictures is None:
            raise UsageError("this section is measured on pictures: give --pictures PICTURES")
        options = DataOptions(size=self.twins_side, test_fraction=0.25, val_fraction=0.15)
        return prepare(self.pictures, options, progress=self.progress)

    @cached_property
    def twins_side(self) -> int:
        """The side at which twins are compared."""
        return (largest_side(self.conv) if self.conv else None) or 32

    @cached_property
    def data(self) -> Data:
        """The three sides at the twins' side."""
        train, val, test = (self.dataset.examples(side) for side in ("train", "val", "test"))
        if not len(test):
            raise UsageError(f"{self.pictures}: there are no held-out pictures to judge on")
        most = round(EXAMPLES_A_MINUTE * self.minutes)
        return Data(
            drawn(train, min(len(train), MOST_EXAMPLES, max(1000, most)), seed=0),
            drawn(val, min(len(val), MOST_JUDGED), seed=0),
            test=drawn(test, min(len(test), MOST_JUDGED), seed=0),
        )

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the run wrote of itself."""
        assert self.run is not None  # noqa: S101
        return read_json(self.run / "run.json")

    @cached_property
    def module(self) -> Classifier:
        """The detector's network with its parameters."""
        assert self.run is not None  # noqa: S101
        record = self.record
        chosen = record["chosen"]
        made = make_module(
            chosen["network"],
            chosen["size"],
            classes=len(record["classes"]),
            seed=0,
            mean=(0.5,) * 3,
            std=(0.5,) * 3,
            weights="none",
        )
        made.load_state_dict(read_parameters(self.run / "parameters.safetensors"))
        return made.eval()

    @cached_property
    def unseen(self) -> Pixels:
        """Pictures that the detector did not learn from, as its network takes them."""
        assert self.run is not None and self.pictures is not None  # noqa: S101
        manifest = self.run / "manifest.csv"
        with manifest.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            learnt = {row["hash"] for row in csv.DictReader(file) if row["split"] != "test"}
        store = open_store(
            read_catalog(self.pictures), self.record["chosen"]["size"], progress=self.progress
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
        spread = np.linspace(0, len(rows) - 1, min(len(rows), moving.PICTURES)).astype(int)
        return np.ascontiguousarray(store.pixels[np.array(rows)[spread]])

    def _answers(self) -> tuple[Answers, Pixels, str]:
        assert self.run is not None  # noqa: S101
        detector = Detector(self.run / "detector.onnx")

        def answers(pictures: Pixels) -> np.ndarray:
            return np.stack(list(in_order(detector.probabilities, list(pictures))))

        return answers, self.unseen, detector.digest

    def _filters(self) -> Section:
        pictures = self.unseen[:FILTER_PICTURES]
        some = torch.from_numpy(pictures[:8]).permute(0, 3, 1, 2).float() / 255
        sides = {}
        for name, layer in filters.convolutions(self.module):
            seen = effective_field(self.module, layer, name=name, pixels_NCHW=some).side
            sides[name] = max(*layer.kernel_size, round(seen))
        return filters.section(self.module, pictures, fields=sides)
