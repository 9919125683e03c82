"""The folder of what is taught: one that is kept, or a temporary one that goes with the server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from ...errors import ConvlensError
from ..problems import Problem


class TeachingFolder:
    """Nothing on the disk until `path` is asked for: a server may have none to write to.

    Args:
        kept: A folder that stays; None for a temporary one.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self.kept = kept

    @cached_property
    def path(self) -> Path:
        """The folder, made now or before. Raises `Problem` (507) where there is no place."""
        with no_place("its folder cannot be made here; --teach or TMPDIR may name another"):
            if self.kept is None:
                return Path(tempfile.mkdtemp(prefix="convlens-teach-"))
            self.kept.mkdir(parents=True, exist_ok=True)
            return self.kept

    def subfolder(self, name: str) -> Path:
        """A folder in it, made now or before. Raises `Problem` (507)."""
        path = self.path / name
        with no_place("the disk of the folder for them does not take it"):
            path.mkdir(parents=True, exist_ok=True)
        return path

    def remove(self) -> None:
        """Remove a temporary one, if it was made."""
        if self.kept is None and "path" in vars(self):
            shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def no_place(what: str) -> Iterator[None]:
    """Turn an error of the disk inside into a `Problem` (507)."""
    try:
        yield
    except (OSError, ConvlensError) as error:
        why = getattr(error, "strerror", None) or error
        raise Problem(507, "No place for pictures", detail=f"{what}: {why}") from error
