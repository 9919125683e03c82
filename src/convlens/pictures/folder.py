"""Folders of pictures: one folder per class, at the top or under train, val and test."""

import os
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from .label import normal_label
from .source import FileSource, Source
from .split_name import split_named


@dataclass
class Rows:
    """Columns of a catalog while they are being collected.

    `spellings` has for each label how the data writes it; `remarks` is what else should be known of
    the classes.
    """

    sources: list[Source] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    _: KW_ONLY
    splits: list[str | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    spellings: dict[str, set[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(
        self, source: Source, label: str, split: str | None = None, group: str | None = None
    ) -> None:
        """Append one picture; its label gets the form that labels have everywhere."""
        name = normal_label(label)
        if not name:
            self.skip(source.name, "has no label")
            return
        self.spellings.setdefault(name, set()).add(label)
        self.sources.append(source)
        self.labels.append(name)
        self.splits.append(split)
        self.groups.append(group)

    def extend(self, rows: "Rows", split: str | None) -> None:
        """Append those of one part of the data; `split` is of what does not say it itself."""
        self.sources += rows.sources
        self.labels += rows.labels
        self.splits += [own or split for own in rows.splits]
        self.groups += rows.groups
        self.skipped += rows.skipped
        self.remarks += rows.remarks
        for label, written in rows.spellings.items():
            self.spellings.setdefault(label, set()).update(written)

    def skip(self, name: str, reason: str) -> None:
        """Note what becomes no row."""
        self.skipped.append((name, reason))


PassedOver = Callable[[str, str], None]
"""Is told the name of what is passed over, and why."""

SYSTEM_FOLDERS = frozenset(
    (
        "@eadir",
        "@recycle",
        "@recently-snapshot",
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "__macosx",
        "lost+found",
        "system volume information",
        "found.000",
        "recycler",
        "network trash folder",
        "temporary items",
        "_gsdata_",
        "__pycache__",
    )
)
"""Folders that systems and network drives make, in lower case."""
BY_SYSTEMS = "is, or lies in, a folder that systems make"
"""Why such a folder is passed over."""
UNLISTED = "cannot be listed"
"""How the reason begins for a folder whose files are not known."""
TABLES = frozenset((".csv", ".tsv", ".jsonl", ".parquet"))
BESIDE = "lies beside the class folders, so it has no label"
TABLE_BESIDE = "is a table beside the class folders: give it itself, if it says what pictures are"
"""Why what is no folder is passed over among folders of classes."""
BESIDE_SPLITS = "lies beside the folders of the splits"
CIRCLE = "is a link to a folder that it lies in"
"""Why such a folder is passed over."""
_TRASH = ".trash"
"""How the names of folders begin that hold what was thrown away."""
HIDDEN = "is, or lies in, what is hidden by a name that begins with a dot"
"""Why such a file or folder is passed over."""
_LITTER = frozenset(
    (
        *(".ds_store", ".localized", ".directory", ".nomedia", ".picasa.ini", "icon\r"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "zbthumbnail.info"),
    )
)
_APPLE_DOUBLE = "._"
"""Names, and how names begin, of what systems leave in every folder: no word is lost on them."""


def ignore(_name: str, _reason: str) -> None:
    """Nobody is told."""


def _entries(folder: Path, passed_over: PassedOver) -> list[os.DirEntry[str]]:
    """What is in a folder, in a fixed order, without what holds no pictures of the user's.

    `passed_over` is told of that: folders of systems, training runs, names that begin with a dot
    (but not of what systems leave in every folder); and of a folder that may not be listed.
    """
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        passed_over(str(folder), f"{UNLISTED}: {error.strerror or error}")
        return []
    return [entry for entry in entries if not _is_passed_over(entry, passed_over)]


def _is_passed_over(entry: os.DirEntry[str], passed_over: PassedOver) -> bool:
    if is_litter(entry.name):
        return True
    if is_system_folder(entry.name) and _is_folder(entry):
        reason = BY_SYSTEMS
    elif entry.name.startswith("."):
        reason = HIDDEN
    elif _is_folder(entry) and _is_run(Path(entry.path)):
        reason = "is the folder of a training run"
    else:
        return False
    passed_over(entry.path, reason)
    return True


def is_litter(name: str) -> bool:
    """Whether a file of this name is what systems leave in every folder, such as `.DS_Store`."""
    return name.lower() in _LITTER or name.startswith(_APPLE_DOUBLE)


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name is one that a system or a network drive makes."""
    return name.lower() in SYSTEM_FOLDERS or name.lower().startswith(_TRASH)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _is_run(folder: Path) -> bool:
    """Whether a training has its records there, or has just begun."""
    own = ("run.json", "manifest.csv")
    return os.path.lexists(folder / ".lock") or all(os.path.lexists(folder / n) for n in own)


def files_below(
    folder: Path,
    passed_over: PassedOver = ignore,
    *,
    parents: frozenset[Path] = frozenset(),
) -> Iterator[str]:
    """Every file in a folder and the folders in it, in a fixed order.

    Linked folders are followed, but never to one of `parents`, which are those that it lies in.
    Passed over are such links, names that begin with a dot, and folders that may not be listed,
    that systems make, or that hold training runs; `passed_over` is told of those.
    """
    if folder.resolve() in parents:
        passed_over(str(folder), CIRCLE)
        return
    parents |= _lineage(folder)
    for entry in _entries(folder, passed_over):
        if _is_folder(entry):
            yield from files_below(Path(entry.path), passed_over, parents=parents)
        else:
            yield entry.path


def _lineage(folder: Path) -> frozenset[Path]:
    """A folder and all that it lies in, without links."""
    real = folder.resolve()
    return frozenset((real, *real.parents))


def folders_in(folder: Path, passed_over: PassedOver = ignore) -> list[Path]:
    """The folders in a folder, in a fixed order, without those that are passed over."""
    return [Path(e.path) for e in _entries(folder, passed_over) if _is_folder(e)]


def files_in(folder: Path, passed_over: PassedOver = ignore) -> list[Path]:
    """The files in a folder itself, in a fixed order, without those that are passed over."""
    return [Path(e.path) for e in _entries(folder, passed_over) if not _is_folder(e)]


def names_in(folder: Path) -> list[str]:
    """What is in a folder, without looking at any of it; nothing where it cannot be listed."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []


def scan_classes(folder: Path, split: str | None = None, *, rows: Rows | None = None) -> Rows:
    """Each folder in `folder` is a class; everything below it is a picture of that class."""
    rows = rows or Rows()
    for entry in _entries(folder, rows.skip):
        if not _is_folder(entry):
            is_table = Path(entry.path).suffix.lower() in TABLES
            rows.skip(entry.path, TABLE_BESIDE if is_table else BESIDE)
            continue
        before = len(rows.sources), len(rows.skipped)
        for path in files_below(Path(entry.path), rows.skip, parents=_lineage(folder)):
            rows.add(FileSource(path), entry.name, split)
        if before == (len(rows.sources), len(rows.skipped)):
            rows.skip(entry.path, "is empty, so it is no class")
    return rows


def remarks_on_folders(classes: list[Path]) -> Iterator[str]:
    """What the user should know where folders of classes seem to be something else."""
    if len(classes) == 1 and folders_in(classes[0]):
        yield (
            f"the only class is {classes[0].name!r}, and there are folders in it, which are none: "
            f"give {classes[0]} if each of them is a class"
        )
    if len(classes) > 1 and all(map(_split_of, classes)):
        yield (
            f"the classes {' and '.join(repr(path.name) for path in classes)} are called as splits "
            "are: put a folder for each class into them if they are splits"
        )


def scan_splits(folder: Path) -> Rows | None:
    """The layout with `train` (and `val`, `test`) above the classes; None where it is another.

    It is that layout where a folder `train` holds folders, or all folders are named for splits and
    hold folders: two classes that happen to be called `train` and `test` hold pictures and stay
    classes. What lies beside is passed over. A folder whose only folder is of that layout stands
    for it.
    """
    rows = Rows()
    tops = folders_in(folder, rows.skip)
    splits = {_split_of(top) for top in tops if folders_in(top)}
    if "train" in splits or (splits and None not in splits and len(splits) == len(tops)):
        for top in tops:
            _scan_split(top, rows)
    elif len(tops) == 1 and (inner := scan_splits(tops[0])) is not None:
        inner.skipped[:0] = rows.skipped
        rows = inner
    else:
        return None
    for file in files_in(folder):
        rows.skip(str(file), BESIDE_SPLITS)
    return rows


def _scan_split(top: Path, rows: Rows) -> None:
    """What a folder at the top gives: one that is no split, or has no class folders, nothing."""
    split = _split_of(top)
    if split is None:
        rows.skip(str(top), BESIDE_SPLITS)
    elif folders_in(top):
        scan_classes(_innermost(top, rows), split, rows=rows)
    elif next(files_below(top), None) is None:
        rows.skip(str(top), "is empty")
    else:
        rows.skip(str(top), "holds no class folders, so its pictures have no labels")


def _split_of(folder: Path) -> str | None:
    return split_named(folder.name)


def _innermost(split: Path, rows: Rows) -> Path:
    """The folder that holds the classes: `train/train` where no other folder is in `train`."""
    inner = folders_in(split)
    if len(inner) == 1 and _split_of(inner[0]) == _split_of(split) and folders_in(inner[0]):
        for file in files_in(split, rows.skip):
            rows.skip(str(file), BESIDE_SPLITS)
        return _innermost(inner[0], rows)
    return split
