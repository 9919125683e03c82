"""Where the bytes of a picture are: a file of its own, memory, or a cell of a table."""

import bisect
import hashlib
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import PictureError

ENDINGS = frozenset(
    (
        *("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "img"),
        *("jp2", "j2k", "jpx", "jpf", "ppm", "pgm", "pbm", "pnm"),
    )
)
"""Endings of files that are pictures."""


KEPT = 500_000_000
"""Bytes of row groups of Parquet files that may stay in memory."""


def is_picture_name(text: str) -> bool:
    """Whether it ends as the names of pictures do."""
    return text.strip().rpartition(".")[2].lower() in ENDINGS and "." in text


class Source(Protocol):
    """Something that gives the encoded bytes of one picture."""

    @property
    def name(self) -> str:
        """What to call the picture in messages and tables."""
        ...

    def read(self) -> bytes:
        """The encoded bytes. Raises `PictureError`."""
        ...

    def stamp(self) -> str:
        """Changes whenever the bytes may have changed, and costs no reading."""
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A picture in a file of its own; `name` is its path as the user would write it."""

    path: str

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    def read(self) -> bytes:
        """The file's bytes; devices and pipes are refused, since reading them may never end."""
        try:
            with open(self.path, "rb", opener=_open_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise PictureError("not a regular file")
                return file.read()
        except OSError as error:
            raise PictureError(error.strerror or str(error)) from error
        except ValueError as error:  # a name with a NUL byte
            raise PictureError(f"not a path: {error}") from error

    def stamp(self) -> str:
        """Path, size and both times of change."""
        try:
            status = Path(self.path).stat()
        except (OSError, ValueError):
            return f"{self.path}|missing"
        return f"{self.path}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}"


@dataclass(frozen=True, slots=True)
class BytesSource:
    """A picture whose bytes are in memory."""

    name: str
    data: bytes

    def read(self) -> bytes:
        """The bytes."""
        return self.data

    def stamp(self) -> str:
        """Their SHA-256."""
        return content_hash(self.data).hex()


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class BytesColumn:
    """The image column of a Parquet file, read one row group at a time.

    Of all such columns the groups asked for last are kept that take `KEPT` bytes together, one in
    any case: so memory does not grow with files, and pictures may be asked for in any order.
    """

    def __init__(self, path: Path, column: str) -> None:
        from pyarrow import parquet

        self.path = path
        self._column = column
        groups = parquet.read_metadata(path)
        sizes = [groups.row_group(group).num_rows for group in range(groups.num_row_groups)]
        self._starts = [sum(sizes[:group]) for group in range(len(sizes) + 1)]

    def __getitem__(self, row: int) -> bytes | None:
        group = bisect.bisect_right(self._starts, row) - 1
        cells = _GROUPS.cells(self, group)
        cell = cells[row - self._starts[group]].as_py()
        return cell.get("bytes") if isinstance(cell, dict) else cell

    def read(self, group: int) -> Any:
        """The cells of a row group. The file is opened for it: of very many few may be open."""
        from pyarrow import parquet

        with parquet.ParquetFile(self.path) as file:
            return file.read_row_group(group, columns=[self._column]).column(0)


class _Groups:
    """Row groups that are in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: OrderedDict[tuple[BytesColumn, int], Any] = OrderedDict()

    def cells(self, column: BytesColumn, group: int) -> Any:
        """The cells of a group, read where they are not in memory."""
        key = column, group
        with self._lock:
            if key not in self._cells:
                self._cells[key] = column.read(group)
                while len(self._cells) > 1 and self.bytes > KEPT:
                    self._cells.popitem(last=False)
            self._cells.move_to_end(key)
            return self._cells[key]

    @property
    def bytes(self) -> int:
        """Of all that is in memory."""
        return sum(cells.nbytes for cells in self._cells.values())


_GROUPS = _Groups()


@dataclass(frozen=True, slots=True)
class CellSource:
    """A picture in a row of a Parquet file's column of bytes; rows count from 0."""

    column: BytesColumn
    row: int

    @property
    def name(self) -> str:
        """The table's path and the row, as `table.parquet#12`."""
        return f"{self.column.path}#{self.row}"

    def read(self) -> bytes:
        """The cell's bytes."""
        try:
            data = self.column[self.row]
        except Exception as error:  # pyarrow raises many kinds on damaged data
            raise PictureError(f"the table is damaged here: {error}") from error
        if not data:
            raise PictureError("the cell is empty")
        return data

    def stamp(self) -> str:
        """The table's stamp and the row."""
        return f"{FileSource(str(self.column.path)).stamp()}#{self.row}"


def content_hash(data: bytes) -> bytes:
    """SHA-256 of a picture's encoded bytes: 32 bytes, the picture's identity everywhere."""
    return hashlib.sha256(data).digest()
