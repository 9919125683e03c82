"""Which files lie in a data set, and which of them a label means."""

import os
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..folder import PassedOver, files_below, folders_in, ignore
from ..label import tidy_path
from ..split_name import split_named

Split = str | None
LOOKED_INTO = 8
"""Folders with labels that are looked into before there are taken to be none."""


class FileIndex:
    """Paths, to be found by what others call them.

    What is `kept` for somebody, and what somebody has found by its name alone, nobody else does.
    """

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self.root = root
        self.paths = list(paths)
        self._owners: dict[str, str] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in self.paths:
            self._by_stem.setdefault(PurePosixPath(path).stem, []).append(path)

    @staticmethod
    def below(
        root: Path, endings: Collection[str], passed_over: PassedOver = ignore
    ) -> "FileIndex":
        """The files below a folder that end in certain ways."""
        below = map(os.path.normpath, files_below(root, passed_over))
        return FileIndex(root, (p for p in below if p.rpartition(".")[2].lower() in endings))

    @cached_property
    def splits(self) -> frozenset[Split]:
        """The splits that folders with files in them are named for."""
        return frozenset(split_below(self.root, path) for path in self.paths)

    def keep(self, path: str | None, owner: str) -> None:
        """For whoever means this very file, so that nobody takes it who lacks his own."""
        if path is not None:
            self._owners.setdefault(path, owner)

    def exact(self, text: str, folders: Iterable[Path]) -> str | None:
        """The file of this path below one of the folders."""
        for folder in folders:
            for name in dict.fromkeys((text, tidy_path(text))):
                path = os.path.normpath(folder / name)
                if os.path.isfile(path):  # noqa: PTH113
                    return path
        return None

    def find(
        self,
        text: str,
        folders: Iterable[Path] = (),
        *,
        split: Split = None,
        stem: bool = False,
        owner: str | None = None,
        pictured: Collection[Split] | None = None,
    ) -> str | None:
        """The file that a label means; None where none is, or several are alike.

        That is the file of this path below one of `folders`; or else the one whose path has the
        longest end in common with it, whatever its ending, which `stem` says that the text lacks.
        Of several, it is the one in a folder named for the `split`. Where the splits are given
        that are `pictured`, as labels stand in folders as pictures do, it is none in the folder of
        another one. It is found for `owner`, or for the text itself where none is named.
        """
        exact = None if stem else self.exact(text, folders)
        if exact is not None:
            return exact
        owner = text if owner is None else owner
        tidy = tidy_path(text)
        wanted = PurePosixPath(tidy + ".x" if stem else tidy)
        candidates = self._by_stem.get(wanted.stem, [])
        candidates = [
            path
            for path in candidates
            if self._owners.get(path, owner) == owner
            and (pictured is None or not self._strays(path, split, pictured))
        ]
        if len(candidates) > 1:
            candidates = _best(candidates, lambda p: PurePosixPath(p).name == wanted.name)
            shared = [_shared(path, wanted) for path in candidates]
            longest = max(shared)
            candidates = [p for p, n in zip(candidates, shared, strict=True) if n == longest]
            candidates = _best(candidates, lambda p: split_below(self.root, p) == split)
        if len(candidates) != 1:
            return None
        self.keep(candidates[0], owner)
        return candidates[0]

    def _strays(self, path: str, split: Split, pictured: Collection[Split]) -> bool:
        """Whether a file is of another split than what means it, and both have pictures."""
        own = split_below(self.root, path)
        return None not in {own, split} and own != split and {own, split} <= set(pictured)


def _best(paths: list[str], holds: Callable[[str], bool]) -> list[str]:
    return [path for path in paths if holds(path)] or paths


def _shared(path: str, wanted: PurePosixPath) -> int:
    """How many folders before the name are the same."""
    pairs = zip(PurePosixPath(path).parts[-2::-1], wanted.parts[-2::-1], strict=False)
    count = 0
    for own, other in pairs:
        if own != other:
            break
        count += 1
    return count


def split_below(root: Path, path: str | Path) -> Split:
    """The split that a folder between the root and a file is named for."""
    folders = Path(os.path.relpath(path, root)).parts[:-1]
    return next(filter(None, map(split_named, folders)), None)


def tops(folder: Path) -> list[Path]:
    """The folder itself, and the folders in it that are named for splits."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return [folder]
    inner = [folder / name for name in names if split_named(name)]
    return [folder, *(path for path in inner if path.is_dir())]


def within(folder: Path) -> list[Path]:
    """The folder itself, and the first folders in it, whatever they are called."""
    return [folder, *(folders_in(folder)[:LOOKED_INTO] if folder.is_dir() else [])]


def files_of(folder: Path, *endings: str) -> list[Path]:
    """The files in a folder itself that end so, in a fixed order, hidden ones left out."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.lower().endswith(endings))
    except OSError:
        return []
    return [folder / name for name in names if not name.startswith(".")]
