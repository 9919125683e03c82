"""A folder that is made when it is first needed, and removed with all that is in it."""

import shutil
import tempfile
from functools import cached_property
from pathlib import Path

from ..problems import Problem


class TemporaryFolder:
    """Nothing on the disk until `path` is asked for: a server may have none to write to."""

    @cached_property
    def path(self) -> Path:
        """The folder, made now or before. Raises `Problem` (507) where there is no place."""
        try:
            return Path(tempfile.mkdtemp(prefix="convlens-teach-"))
        except OSError as error:
            raise Problem(
                507,
                "No place for pictures",
                detail="no temporary folder can be made here; the server's TMPDIR may name one: "
                f"{error.strerror or error}",
            ) from error

    def remove(self) -> None:
        """Remove it, if it was made."""
        if "path" in vars(self):
            shutil.rmtree(self.path, ignore_errors=True)
