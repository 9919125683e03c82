"""`convlens inspect`: what is wrong with pictures before any training, and what it will do then."""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import require
from ..pictures.catalog import Catalog, read_catalog
from ..pictures.duplicates.near_duplicates import near_duplicate_clusters
from ..pictures.store import open_store
from ..progress import Progress
from .appearance import odd_colours, one_tone, tiny
from .classes import ClassRow, class_rows, few_pictures, labels_alike
from .duplicates import crossing_splits, duplicates, two_labels
from .files import skipped, unreadable
from .findings import Finding, Pictures

if TYPE_CHECKING:
    from .label_errors import LabelIssue
    from .learning_curve import LearningCurve

SIZE = 128
"""Side length in pixels at which pictures are compared by default."""


@dataclass(frozen=True)
class Inspection:
    """What there is, and what is wrong with it.

    `labels` are those that are probably wrong, the surest first, and `more` is what more pictures
    would bring; both are None where they were not asked for.
    """

    pictures: int
    classes: tuple[ClassRow, ...]
    _: KW_ONLY
    findings: tuple[Finding, ...]
    labels: tuple["LabelIssue", ...] | None = None
    more: "LearningCurve | None" = None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)


def inspect(
    pictures: str | Path,
    size: int | None = None,
    *,
    group: str | None = None,
    labels: bool = False,
    more: bool = False,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> Inspection:
    """Look at every picture and say what is wrong, without training.

    Args:
        pictures: A folder or table of labelled pictures, as `train` takes them.
        size: Side length in pixels at which pictures are compared, 128 by default.
        group: A regular expression; what it finds in a picture's path is the picture's group,
            which must stay in one split.
        labels: Whether to look for wrong labels too, by linear heads on pretrained features.
        more: Whether to estimate what more pictures would bring, by the same heads.
        seed: Decides which pictures those heads are fitted and judged on.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The classes with their pictures, and a finding for each kind of fault.

    Raises:
        UsageError: There is nothing to inspect at `pictures`, or `group` is no regular expression.
        ConvlensError: `labels` or `more` was asked for without pretrained parameters installed.

    Examples:
        >>> import convlens
        >>> inspection = convlens.inspect("pictures/")  # doctest: +SKIP
        >>> [finding.what for finding in inspection.findings]  # doctest: +SKIP
        ['1 truncated or damaged pictures']
    """
    require("imagehash", "train", what="inspecting pictures")
    catalog = read_catalog(pictures)
    if group is not None:
        catalog = catalog.grouped(group)
    readable, bad = _read(catalog, size or SIZE, progress=progress)
    inspection = Inspection(
        len(readable.catalog),
        tuple(class_rows(readable)),
        findings=(
            *unreadable(bad),
            *skipped((*catalog.classes_lost(readable.catalog), *catalog.skipped)),
            *labels_alike(catalog),
            *duplicates(readable),
            *two_labels(readable),
            *crossing_splits(readable),
            *few_pictures(readable.catalog),
            *odd_colours(readable, progress),
            *one_tone(readable, progress),
            *tiny(readable),
        ),
    )
    if labels or more:
        from .features import pretrained_features
        from .label_errors import label_issues
        from .learning_curve import learning_curve

        dataset, features = pretrained_features(pictures, group, progress=progress)
        if labels:
            issues = label_issues(dataset, features, seed=seed, progress=progress)
            inspection = replace(inspection, labels=issues)
        if more:
            curve = learning_curve(features, len(dataset.classes), seed=seed, progress=progress)
            inspection = replace(inspection, more=curve)
    return inspection


def _read(
    catalog: Catalog, size: int, *, progress: Progress
) -> tuple[Pictures, list[tuple[str, str]]]:
    """The readable pictures, and (name, reason) of the others."""
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
    return pictures, bad
