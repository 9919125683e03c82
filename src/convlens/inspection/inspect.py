"""`convlens inspect`: what is wrong with pictures before any training, and what it will do then."""

from dataclasses import replace
from pathlib import Path

from ..errors import UsageError, require
from ..files import check_place, given_path
from ..options import DataOptions, check_named
from ..pictures.boxes.boxes import BoxCatalog
from ..pictures.catalog import Catalog
from ..pictures.duplicates.near_duplicates import near_duplicate_clusters
from ..pictures.read import read_pictures
from ..pictures.store import Table, open_store
from ..progress import Progress
from .appearance import odd_colours, one_tone, tiny
from .boxes import box_faults, box_rows, copies_differ, few_boxes, small_objects, without_objects
from .classes import class_rows, few_pictures, labels_alike
from .duplicates import crossing_splits, duplicates, two_labels
from .files import skipped, unreadable
from .findings import Pictures
from .inspection import Inspection

SIZE = 128
"""Side length in pixels at which pictures are compared by default."""


def inspect(
    pictures: str | Path,
    size: int | None = None,
    *,
    group: str | None = None,
    labels: bool = False,
    more: bool = False,
    seed: int = 0,
    minutes: float | None = None,
    boxes: str | None = None,
    report: str | Path | None = None,
    progress: Progress = lambda *_: None,
) -> Inspection:
    """Look at every picture and say what is wrong, without training.

    Args:
        pictures: A folder or table of labelled pictures, as `train` takes them, or pictures with
            boxes.
        size: Side length in pixels at which pictures are compared, 128 by default; of pictures with
            boxes that of the canvas on which objects may be too small to learn, by default
            the one that training takes.
        group: A regular expression; what it finds in a picture's path is the picture's group,
            which must stay in one split.
        labels: Whether to look for wrong labels too, by linear heads on pretrained features; for
            wrong and missing boxes by networks that are trained for it.
        more: Whether to estimate what more pictures would bring, by the same heads.
        seed: Decides which pictures those heads are fitted and judged on.
        minutes: For `labels` of pictures with boxes; by default what a training would take.
        boxes: Words that settle how boxes are written, such as `coco` or `table,xywh`.
        report: A file to write a page to, with the findings and pictures to look at.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The classes with their pictures, and a finding for each kind of fault.

    Raises:
        UsageError: There is nothing to inspect at `pictures`, `group` is no regular expression,
            pictures with boxes were asked for `more`, `minutes` were given for something else than
            their `labels`, or a number is out of range.
        ConvlensError: `labels` or `more` was asked for without pretrained parameters installed.

    Examples:
        >>> import convlens
        >>> inspection = convlens.inspect("pictures/")  # doctest: +SKIP
        >>> [finding.what for finding in inspection.findings]  # doctest: +SKIP
        ['1 truncated or damaged pictures']
    """
    require("imagehash", "train", what="inspecting pictures")
    check_named(size=size, seed=seed)
    if minutes is not None and not labels:
        raise UsageError("--minutes is for --labels of pictures with boxes")
    page = None if report is None else given_path(report)
    if page is not None:
        check_place(page)
    catalog = read_pictures(pictures, boxes=boxes, progress=progress)
    if group is not None:
        catalog = catalog.grouped(group)
    shown: Catalog | BoxCatalog
    if isinstance(catalog, BoxCatalog):
        if more:
            raise UsageError("--more is for pictures of one class each")
        shown, inspection = _inspect_boxes(catalog, size, progress=progress)
        if labels:
            from .box_errors import box_issues, crosswise_answers

            answers = crosswise_answers(
                pictures,
                DataOptions(group=group, seed=seed, boxes=boxes),
                minutes=minutes,
                progress=progress,
            )
            inspection = replace(inspection, box_labels=box_issues(answers))
    else:
        if minutes is not None:
            raise UsageError("--minutes is for --labels of pictures with boxes")
        shown, inspection = _inspect_classes(catalog, size or SIZE, progress=progress)
        if labels or more:
            from .features import pretrained_features
            from .label_errors import label_issues
            from .learning_curve import learning_curve

            dataset, features = pretrained_features(pictures, group, progress=progress)
            if labels:
                suspects = label_issues(dataset, features, seed=seed, progress=progress)
                inspection = replace(inspection, labels=suspects)
            if more:
                curve = learning_curve(features, len(dataset.classes), seed=seed, progress=progress)
                inspection = replace(inspection, more=curve)
    if page is not None:
        from .page import write_page

        write_page(page, inspection, shown)
    return inspection


def _inspect_classes(
    catalog: Catalog, size: int, *, progress: Progress
) -> tuple[Catalog, Inspection]:
    """The readable pictures, and what there is to say."""
    readable, pictures, bad = _read(catalog, size, progress=progress)
    inspection = Inspection(
        len(readable),
        tuple(class_rows(readable, pictures.shorter_sides)),
        findings=(
            *unreadable(bad),
            *skipped((*catalog.classes_lost(readable), *catalog.skipped)),
            *labels_alike(catalog),
            *duplicates(pictures),
            *two_labels(pictures, readable.labels),
            *crossing_splits(pictures),
            *few_pictures(readable),
            *odd_colours(pictures, progress),
            *one_tone(pictures, progress),
            *tiny(pictures),
        ),
    )
    return readable, inspection


def _inspect_boxes(
    catalog: BoxCatalog, size: int | None, *, progress: Progress
) -> tuple[BoxCatalog, Inspection]:
    """The same of pictures with boxes."""
    readable, pictures, bad = _read(catalog, SIZE, progress=progress)
    inspection = Inspection(
        len(readable),
        tuple(box_rows(readable)),
        boxes=sum(map(len, readable.boxes)),
        form=readable.form,
        findings=(
            *unreadable(bad),
            *skipped(catalog.skipped),
            *labels_alike(catalog),
            *box_faults(readable),
            *without_objects(readable),
            *few_boxes(readable),
            *small_objects(readable, size),
            *duplicates(pictures),
            *copies_differ(pictures, readable),
            *crossing_splits(pictures),
            *odd_colours(pictures, progress),
            *one_tone(pictures, progress),
            *tiny(pictures),
        ),
    )
    return readable, inspection


def _read(
    catalog: Table, size: int, *, progress: Progress
) -> tuple[Table, Pictures, list[tuple[str, str]]]:
    """The readable pictures, what is known of them, and (name, reason) of the others."""
    store = open_store(catalog, size, progress=progress)
    bad = [(catalog.names[row], reason) for row, reason in store.bad.items()]
    readable, store = store.without_bad(catalog)
    near = near_duplicate_clusters(store, progress)
    pictures = Pictures(
        readable,
        store,
        shorter_sides=tuple(store.sides[store.rows].tolist()),
        identities=tuple(store.identities()),
        near=tuple(near[store.rows].tolist()),
    )
    return readable, pictures, bad
