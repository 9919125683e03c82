"""The experiments on a user's own pictures: prepared once, each section on its own."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ...dataset.prepare import Dataset, prepare
from ...errors import UsageError
from ...network.layers import Conv, Residual
from ...network.named import NAMED
from ...network.spec import Architecture, Network, network
from ...options import DataOptions
from ...progress import Progress
from ..section import Section
from . import architectures, optimizers, regions, similarity
from .filters import kinds
from .filters.section import section as filters_section
from .learning import measure as learning
from .learning.section import section as learning_section
from .notebook import Notebook
from .trained_run import TrainedRun
from .translation import measure as translation
from .translation.section import section as translation_section
from .trials import Splits, drawn
from .twins import largest_size

MOST_EXAMPLES, EXAMPLES_A_MINUTE = 12_800, 200
"""Training pictures up to which learning curves go, if there are minutes enough for them."""
MOST_HELD_OUT = 2000
"""Validation and held-out pictures on which small networks are measured."""
SEEDS = 5
ARCHITECTURE_SIZE = 64
USUAL_SIZE = 32
"""Side length of twins where the network's own gives no dense twin."""


def with_twins(architecture: Architecture | None) -> Network | None:
    """The network itself where its twins can be made: text with convolutions, no shortcuts."""
    if not isinstance(architecture, Network):
        return None
    kinds = [type(layer) for layer in architecture.layers]
    return architecture if Conv in kinds and Residual not in kinds else None


class Experiments:
    """What can be measured with the pictures and the run that were given.

    Args:
        architecture: The network whose twins are trained; the lecture's where it has none.
        run: The folder of a trained run, for what a detector has learned.
        pictures: Labelled pictures, as `train` takes them.
        folder: Where finished measurements are kept.
        minutes: About how long all experiments may take together.
        seed: Decides splits, parameters and draws; the first one where there are several.
        progress: Called while they run.
        beside: The folder of another run, with whose layers the run's are compared.
    """

    def __init__(
        self,
        architecture: Architecture | None,
        run: Path | None,
        *,
        pictures: str | Path | None,
        folder: Path,
        minutes: float,
        seed: int,
        progress: Progress,
        beside: Path | None = None,
    ) -> None:
        self.beside = beside
        self.pictures = pictures
        self.folder = folder
        self.minutes = minutes
        self.seed = seed
        self.progress = progress
        self.conv = with_twins(architecture)
        self.run: TrainedRun | None = None
        if run is not None and pictures is not None:
            self.run = TrainedRun(run, pictures, progress=progress)
        self.notebooks: list[Notebook] = []

    def sections(self, key: str) -> list[Section]:
        """What can be measured for one section of the case."""
        match key:
            case "sharing":
                sections = self._sharing()
            case "translation":
                sections = [self._translation()]
            case "examples" if self.pictures is not None:
                sections = [self._examples()]
            case "efficiency" if self.pictures is not None:
                sections = [self._optimizers(), self._architectures(self.pictures)]
            case _:
                sections = []
        left_out = sum(notebook.left_out for notebook in self.notebooks)
        self.notebooks.clear()
        if sections and left_out:
            note = (
                f"{left_out} measurements were left out, as the time was over; with more --minutes "
                "they are added to those that are there."
            )
            sections[-1] = replace(sections[-1], notes=[*sections[-1].notes, note])
        return sections

    def _sharing(self) -> list[Section]:
        sections = []
        if self.run is not None:
            sections.append(filters_section(self.run.filters()))
            layers = kinds.measure(self.run.module, self.run.record["plan"]["size"])
            sections += [kinds.section(layers)] if layers else []
        if self.pictures is not None:
            notebook = self._notebook(0.1)
            measured = regions.measure(notebook, self.splits, conv=self.twins, seeds=(self.seed,))
            sections.append(regions.section(measured))
            seeds = (self.seed, self.seed + 1)
            alike = [similarity.measure(notebook, self.splits, conv=self.twins, seeds=seeds)]
            if self.run is not None and self.beside is not None:
                other = TrainedRun(self.beside, self.run.pictures, progress=self.progress)
                alike.append(similarity.beside(self.run, other))
            sections.append(similarity.section(alike))
        return sections

    def _translation(self) -> Section:
        notebook = self._notebook(0.2)
        measured = translation.measure(
            notebook,
            self.twins,
            splits=self.splits if self.pictures is not None else None,
            detector=self.run.subject() if self.run is not None else None,
            seed=self.seed,
        )
        return translation_section(measured)

    def _examples(self) -> Section:
        notebook = self._notebook(0.4)
        seeds = range(self.seed, self.seed + SEEDS)
        measured = learning.measure(notebook, self.splits, conv=self.twins, seeds=seeds)
        return learning_section(measured)

    def _optimizers(self) -> Section:
        steps = optimizers.steps_for(len(self.splits.train))
        notebook = self._notebook(0.3)
        descents = optimizers.measure(
            notebook, self.splits, conv=self.twins, steps=steps, seed=self.seed
        )
        return optimizers.section(descents, steps)

    def _architectures(self, pictures: str | Path) -> Section:
        minutes = max(0.05, 0.25 * self.minutes / len(architectures.ARCHITECTURES))
        budget = architectures.Budget(ARCHITECTURE_SIZE, round(minutes, 2), seed=self.seed)
        results = architectures.measure(
            self.notebooks[-1], pictures, runs=self.folder / "runs", budget=budget
        )
        return architectures.section(results, budget)

    def _notebook(self, share: float) -> Notebook:
        """For a section that may take this share of the time."""
        data = ""
        if self.pictures is not None:
            data = f"{self.dataset.fingerprint()} {self._learnt}"
        folder, seconds = self.folder / "pieces", share * self.minutes * 60
        self.notebooks.append(Notebook(folder, data, progress=self.progress, seconds=seconds))
        return self.notebooks[-1]

    @cached_property
    def twins(self) -> Network:
        """The network whose twins are trained, for the classes of the pictures."""
        classes = self.conv.classes if self.conv else 2
        if self.pictures is not None:
            classes = len(self.dataset.classes)
        if self.conv is not None and largest_size(self.conv) is not None:
            return Network(self.conv.layers, self.size, classes)
        return network(NAMED["lecture"].line, USUAL_SIZE, classes=classes)

    @cached_property
    def size(self) -> int:
        """Side length in pixels at which twins are compared."""
        return (largest_size(self.conv) if self.conv else None) or USUAL_SIZE

    @cached_property
    def dataset(self) -> Dataset:
        """The pictures at the twins' size. Raises `UsageError` where none were given."""
        if self.pictures is None:
            raise UsageError("this section is measured on pictures: give --pictures PICTURES")
        options = DataOptions(size=self.size, test_fraction=0.25, val_fraction=0.15, seed=self.seed)
        return prepare(self.pictures, options, progress=self.progress)

    @property
    def _learnt(self) -> int:
        """Training pictures: of very many, as many as there is time for."""
        most = round(EXAMPLES_A_MINUTE * self.minutes)
        return min(len(self.dataset.split.rows("train")), MOST_EXAMPLES, max(1000, most))

    @cached_property
    def splits(self) -> Splits:
        """The three splits at the twins' size. Raises `UsageError` where one of them is empty."""
        train, val, test = (self.dataset.examples(split) for split in ("train", "val", "test"))
        for part, purpose in ((train, "learn from"), (val, "choose by"), (test, "judge on")):
            if not len(part):
                raise UsageError(
                    f"{self.pictures}: there are no pictures to {purpose}, as what is of one "
                    "group, or looks alike, stays together: give three groups of each class, or "
                    "more"
                )
        return Splits(
            drawn(train, self._learnt, seed=self.seed),
            drawn(val, min(len(val), MOST_HELD_OUT), seed=self.seed),
            test=drawn(test, min(len(test), MOST_HELD_OUT), seed=self.seed),
        )
