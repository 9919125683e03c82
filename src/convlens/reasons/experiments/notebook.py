"""Measurements kept on disk, so that a `why` that was stopped goes on."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...files import write_whole
from ...progress import Progress

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Result = TypeVar("Result", bound="DataclassInstance")


class Notebook:
    """Remembers results by what they were made from, each as a JSON file.

    Args:
        folder: Where the files are; None remembers nothing.
        data: A fingerprint of the pictures on which results rest.
        progress: Called with (what is being measured, done, total).
        seconds: After so many seconds, measurements that can be spared are left out and counted.
    """

    def __init__(
        self, folder: Path | None, data: str, *, progress: Progress, seconds: float
    ) -> None:
        self.folder = folder
        self.data = data
        self.progress = progress
        self.end = time.monotonic() + seconds
        self.left_out = 0

    def recall(
        self,
        what: str,
        key: object,
        *,
        read: Callable[..., Result],
        make: Callable[[], Result],
    ) -> Result:
        """A result from the folder, or made and written there.

        Args:
            what: The experiment.
            key: Everything else that decides the result; a value that JSON or `asdict` takes.
            read: Makes the result from its fields as JSON gives them; mostly its class.
            make: Measures the result where it is not in the folder.
        """
        path = self._path(what, key)
        if path is not None and path.exists():
            try:
                return read(**json.loads(path.read_text("utf-8")))
            except (ValueError, TypeError):
                pass  # a damaged file: the result is made anew
        result = make()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(asdict(result)) + "\n")
        return result

    def recall_in_time(
        self,
        what: str,
        key: object,
        *,
        read: Callable[..., Result],
        make: Callable[[], Result],
    ) -> Result | None:
        """The same of a result that can be spared: None where it is new and the time is over."""
        path = self._path(what, key)
        if (path is None or not path.exists()) and time.monotonic() > self.end:
            self.left_out += 1
            return None
        return self.recall(what, key, read=read, make=make)

    def _path(self, what: str, key: object) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps([what, key, self.data], sort_keys=True, default=_plain)
        return self.folder / (hashlib.sha256(text.encode()).hexdigest()[:24] + ".json")


def _plain(value: Any) -> dict[str, Any]:
    return asdict(value)
