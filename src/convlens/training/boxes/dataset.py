"""From pictures with boxes to examples: read, laid on a canvas, and split."""

import hashlib
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np

from ...errors import ConvlensError
from ...options import DataOptions
from ...pictures.boxes.boxes import BoxCatalog
from ...pictures.boxes.read import read_boxes
from ...pictures.canvas import Canvas
from ...pictures.catalog import SPLITS, listed
from ...pictures.duplicates.near_duplicates import near_duplicate_clusters
from ...pictures.splits import Split, make_split
from ...pictures.store import PixelStore, open_store
from ...progress import Progress
from .canvas_choice import Affordable, choose_canvas
from .examples import BoxExamples, padded_labels


@dataclass(frozen=True)
class BoxDataset:
    """Readable pictures with boxes, their pixels on a canvas, and splits.

    `skipped` is what was not readable, and why; `classes` are those that a training picture shows.
    """

    catalog: BoxCatalog
    store: PixelStore
    _: KW_ONLY
    canvas: Canvas
    split: Split
    classes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]

    def subset(self, name: str) -> BoxCatalog:
        """The catalog of one split: `train`, `val` or `test`."""
        return self.catalog.take(self.split.rows(name))

    def examples(self, name: str) -> BoxExamples:
        """Pixels and objects of one split; classes are indices into `classes`."""
        rows = self.split.rows(name)
        own = {self.catalog.classes.index(label): k for k, label in enumerate(self.classes)}
        objects, fitted = [], []
        for row in rows:
            width, height = self.catalog.seen_size(row)
            here = self.canvas.fitted(height, width)
            boxes = self.catalog.boxes[row]
            known = [i for i, k in enumerate(boxes.labels.tolist()) if k in own]
            known = [i for i in known if not boxes.crowd[i]]
            scale = np.array((here[1] / width, here[0] / height) * 2)
            labels = np.array([own[int(boxes.labels[i])] for i in known])
            objects.append(np.column_stack((boxes.xyxy[known] * scale, labels)).astype(np.float32))
            fitted.append(here)
        return BoxExamples(
            self.store.pixels,
            self.store.rows[rows],
            labels=padded_labels(objects),
            fitted=np.array(fitted, np.float32).reshape(-1, 2),
        )

    def fingerprint(self) -> str:
        """SHA-256 over every picture's content, objects and split; file names do not enter."""
        lines = []
        for row, name in enumerate(self.split.assigned):
            boxes = self.catalog.boxes[row]
            objects = sorted(
                (self.catalog.classes[label], *edges)
                for label, edges in zip(
                    boxes.labels.tolist(), boxes.xyxy.round(2).tolist(), strict=True
                )
            )
            lines.append(f"{self.store.contents.hex(row)} {objects} {name}")
        text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Objects per split and class."""
        return {name: self.subset(name).counts() for name in SPLITS if self.split.rows(name)}

    def pictures(self) -> dict[str, int]:
        """Pictures per split."""
        return self.split.counts()

    @property
    def most_objects(self) -> int:
        """Of the picture that has most."""
        return max(map(len, self.catalog.boxes), default=0)


def prepare_boxes(
    pictures: str | Path,
    options: DataOptions,
    *,
    progress: Progress,
    canvas: Canvas | None = None,
    affordable: Affordable | None = None,
) -> BoxDataset:
    """Read, decode and split pictures with boxes. Raises `ConvlensError` where too little is left.

    Where the data names no splits a part is held out, which is used for no choice but that of
    thresholds, and crosswise for that. Without a `canvas` it is chosen, as `choose_canvas` does.
    """
    catalog = read_boxes(pictures, boxes=options.boxes, progress=progress)
    if catalog is None:
        raise ConvlensError(f"{pictures} has no boxes")
    if options.group is not None:
        catalog = catalog.grouped(options.group)
    canvas = canvas or choose_canvas(catalog, options.size, affordable=affordable)
    store = open_store(catalog, canvas, progress=progress)
    bad = tuple((catalog.names[row], reason) for row, reason in store.bad.items())
    catalog, store = store.without_bad(catalog)
    skipped = (*catalog.skipped, *bad)
    if not len(catalog):
        raise ConvlensError(f"none of the files in {pictures} is a picture:{listed(skipped)}")
    test = options.test_fraction
    if test is None:
        named = set(catalog.splits) & {"val", "test"}
        test = 0.0 if named else options.fractions(len(catalog))[0]
    split = make_split(
        catalog,
        store,
        near=near_duplicate_clusters(store, progress),
        seed=options.seed,
        test_fraction=test,
        val_fraction=options.val_fraction or 0.0,
    )
    learnt = catalog.take(split.rows("train")).counts(crowds=False)
    classes = tuple(name for name in catalog.classes if learnt[name])
    if not classes:
        objects = sum(catalog.counts(crowds=False).values())
        crowds = sum(catalog.counts().values()) - objects
        besides = f", and {crowds:,} boxes around crowds (iscrowd), which teach nothing"
        raise ConvlensError(
            f"no picture to learn from in {pictures} has an object: there are {len(catalog):,} "
            f"pictures with {objects:,} objects{besides if crowds else ''}{listed(skipped)}"
        )
    return BoxDataset(catalog, store, canvas=canvas, split=split, classes=classes, skipped=skipped)
