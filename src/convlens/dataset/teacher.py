"""A larger network as a teacher: what it says of training pictures, with and without labels.

A small network learns more from all the probabilities of a good one than from labels alone (Hinton
et al. 2015).
"""

from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
import numpy.typing as npt

from ..detector.detector import Detector
from ..errors import UsageError
from ..files import given_path, is_folder
from ..options import TeacherOptions
from ..parallel import in_order
from ..pictures.catalog import Catalog
from ..pictures.decode import decode
from ..pictures.folder import files_below
from ..pictures.shards.read import streamed
from ..pictures.source import FileSource, Source
from ..pictures.splits import Split
from ..progress import Progress

HELD_OUT = ("val", "test")


@dataclass(frozen=True)
class Lessons:
    """What a teacher says of pictures.

    `digest` is the checksum of its file; `probabilities` [N, K] are those at the temperature, 0
    where it was not asked.
    """

    digest: str
    _: KW_ONLY
    probabilities: npt.NDArray[np.float32]

    def take(self, rows: list[int]) -> "Lessons":
        """Of some pictures."""
        return replace(self, probabilities=self.probabilities[rows])


class Teacher:
    """A detector that is asked. Raises `ConvlensError` where it is none."""

    def __init__(self, options: TeacherOptions) -> None:
        assert options.teacher is not None  # noqa: S101
        self.options = options
        self.detector = Detector(options.teacher)
        if self.detector.task.outputs[0] != "probabilities":
            raise UsageError(
                f"--teacher {options.teacher}: it finds boxes, and has no probabilities"
            )

    def with_unlabelled(self, catalog: Catalog) -> Catalog:
        """The table with the pictures without labels behind the others; any label is theirs yet.

        Raises `UsageError` where there are none.
        """
        if self.options.unlabelled is None:
            return catalog
        folder = given_path(self.options.unlabelled)
        skipped = list(catalog.skipped)
        paths = (
            list(files_below(folder, lambda *name_and_reason: skipped.append(name_and_reason)))
            if is_folder(folder)
            else []
        )
        if not paths:
            raise UsageError(f"--unlabelled {folder}: there is no such folder, or nothing in it")
        return replace(
            catalog,
            sources=catalog.sources + tuple(map(FileSource, paths)),
            skipped=tuple(skipped),
            labels=catalog.labels + (catalog.labels[0],) * len(paths),
            splits=catalog.splits + (None,) * len(paths),
            groups=catalog.groups + (None,) * len(paths),
        )

    def teach(
        self,
        catalog: Catalog,
        split: Split,
        *,
        classes: tuple[str, ...],
        labelled: int,
        progress: Progress,
    ) -> tuple[Catalog, Lessons]:
        """The teacher's lessons for training pictures, and the table with its labels.

        From row `labelled` on, its most probable class is the label. Raises `UsageError` where it
        does not know a class.
        """
        known = self.detector.labels
        unknown = ", ".join(repr(label) for label in classes if label not in known)
        if unknown:
            raise UsageError(f"--teacher {self.options.teacher}: it does not know {unknown}")
        columns = [known.index(label) for label in classes]
        rows = split.rows("train")
        probabilities = np.zeros((len(catalog), len(classes)), np.float32)

        def ask(source: Source) -> npt.NDArray[np.float64]:
            answer = self.detector.probabilities(decode(source.read()))[columns].astype(np.float64)
            softened = np.maximum(answer, 1e-12) ** (1 / self.options.temperature)
            out: npt.NDArray[np.float64] = softened / softened.sum()
            return out

        asked = in_order(ask, streamed(catalog.sources[row] for row in rows))
        for done, (row, softened) in enumerate(zip(rows, asked, strict=True)):
            probabilities[row] = softened
            progress("asking the teacher", done + 1, len(rows))
        labels = list(catalog.labels)
        for row in range(labelled, len(labels)):
            labels[row] = classes[int(probabilities[row].argmax())]
        lessons = Lessons(self.detector.digest, probabilities=probabilities)
        return replace(catalog, labels=tuple(labels)), lessons


def with_more_to_learn(split: Split, looks: npt.NDArray[np.int64]) -> tuple[list[int], Split]:
    """The rows that stay, and their split, where more of them follow to be learnt from.

    `looks` has a number for each row, the same for pictures that look alike: what looks like a
    picture that is held out is left out, and what looks like another one stays together with it.
    """
    known = len(split.assigned)
    held_out = {
        int(look) for look, name in zip(looks, split.assigned, strict=False) if name in HELD_OUT
    }
    added = [row for row in range(known, len(looks)) if int(looks[row]) not in held_out]
    first = max(split.groups, default=0) + 1
    group_of = dict(zip(looks[:known].tolist(), split.groups, strict=True))
    for row in added:
        group_of.setdefault(int(looks[row]), first + len(group_of))
    groups = (*split.groups, *(group_of[int(looks[row])] for row in added))
    return [*range(known), *added], Split(split.assigned + ("train",) * len(added), groups)
