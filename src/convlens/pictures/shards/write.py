"""`convlens shard`: the same pictures as WebDataset shards, a stream for many machines."""

import io
import itertools
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConvlensError, PictureError, UsageError
from ...files import check_unused, given_path, saying_where, whole_file, write_whole
from ...options import check_named
from ...parallel import in_order
from ...progress import Progress
from ..boxes.boxes import BoxCatalog
from ..boxes.forms.shards import record_of
from ..catalog import Catalog
from ..formats.opening import file_ending
from ..label import is_utf8
from ..read import read_pictures
from ..source import Source
from .find import INDEX, MEGABYTES
from .read import streamed


@dataclass(frozen=True)
class Sharded:
    """The shards that were written, and what was left out."""

    folder: Path
    shards: dict[str, int]
    """The pictures in each shard, by its file's name."""
    skipped: tuple[tuple[str, str], ...]
    """(Name, reason) of each file that could not be read."""

    @property
    def pictures(self) -> int:
        """Pictures in all shards."""
        return sum(self.shards.values())


def shard(
    pictures: str | Path,
    out: str | Path,
    *,
    megabytes: float = MEGABYTES,
    seed: int = 0,
    boxes: str | None = None,
    progress: Progress = lambda *_: None,
) -> Sharded:
    """Write labelled pictures as `.tar` files of about so many megabytes, and their index.

    Each picture is a member with its bytes as they are, and beside it a JSON with label or boxes,
    split, group and the name it had. The same pictures, seed and size give the same bytes. The
    index comes last: without it, the shards are not complete.

    Args:
        pictures: Labelled pictures, as `train` takes them.
        out: The folder to make.
        megabytes: The size of a shard, more than 0, to 1,000,000.
        seed: Draws the order, so that every shard is a sample of its split.
        boxes: Words that settle how boxes are written, where pictures have some.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The shards with their counts, and the files that were left out.

    Raises:
        UsageError: The folder holds something, or the size is out of its range.
        ConvlensError: There are no pictures, or the folder cannot be written.

    Examples:
        >>> import convlens
        >>> written = convlens.shard("pictures/", "new-shards")
        >>> written.shards
        {'pictures-000000.tar': 160}
    """
    check_named(seed=seed)
    if not 0 < megabytes <= 1e6:
        raise UsageError(f"--megabytes {megabytes:g}: it can be more than 0, to 1,000,000")
    folder = given_path(out)
    check_unused(folder)
    catalog = read_pictures(pictures, boxes=boxes, progress=progress)
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    shards: dict[str, int] = {}
    skipped = list(catalog.skipped)
    written = itertools.count(1)

    def advance() -> None:
        progress("writing shards", next(written), len(catalog))

    for split in dict.fromkeys(catalog.splits):
        rows = catalog.rows_of(split)
        shuffled = np.random.Generator(np.random.Philox(seed)).permutation(rows).tolist()
        examples = _examples(catalog, shuffled, skipped=skipped, advance=advance)
        shards |= _write(folder, split or "pictures", examples=examples, size=int(megabytes * 1e6))
    if not shards:
        first = ": ".join(skipped[0])
        raise ConvlensError(f"none of the files in {pictures} is a picture; the first, {first}")
    entries = [{"url": name, "nsamples": count} for name, count in shards.items()]
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": entries}
    write_whole(folder / INDEX, json.dumps(index, indent=1) + "\n")
    return Sharded(folder, shards, skipped=tuple(skipped))


@dataclass(frozen=True, slots=True)
class _Example:
    """A picture's bytes, the ending that suits them, and its label, split, group and path."""

    data: bytes
    ending: str
    record: dict[str, Any]


def _examples(
    catalog: Catalog | BoxCatalog,
    rows: list[int],
    *,
    skipped: list[tuple[str, str]],
    advance: Callable[[], None],
) -> Iterator[_Example]:
    """What can be read, in the order of `rows`; what cannot is added to `skipped`."""

    def read(source: Source) -> tuple[bytes, str, str]:
        try:
            data = source.read()
            return data, file_ending(data), ""
        except PictureError as error:
            return b"", "", str(error)

    pictures = in_order(read, streamed(catalog.sources[row] for row in rows))
    for row, (data, ending, reason) in zip(rows, pictures, strict=True):
        name = catalog.sources[row].name
        advance()
        if reason:
            skipped.append((name, reason))
            continue
        path = name.removeprefix(str(catalog.root) + os.sep).replace(os.sep, "/")
        record = {
            "label": catalog.labels[row] if isinstance(catalog, Catalog) else None,
            "boxes": record_of(catalog, row, path=path, first=row == rows[0])
            if isinstance(catalog, BoxCatalog)
            else None,
            "split": catalog.splits[row],
            "group": catalog.groups[row],
            "path": path,
        }
        yield _Example(data, ending, record={k: v for k, v in record.items() if v is not None})


def _write(folder: Path, prefix: str, *, examples: Iterator[_Example], size: int) -> dict[str, int]:
    """Shards of about `size` bytes, each whole or not there: pictures by the file's name."""
    shards: dict[str, int] = {}
    number, example = 0, next(examples, None)
    while example is not None:
        name = f"{prefix}-{len(shards):06}.tar"
        first = number
        with (
            whole_file(folder / name) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            while example is not None and (number == first or file.tell() < size):
                _add(tar, number, example=example)
                number, example = number + 1, next(examples, None)
        shards[name] = number - first
    return shards


def _add(tar: tarfile.TarFile, number: int, *, example: _Example) -> None:
    # the name of a file need not be UTF-8
    plain = all(isinstance(text, str) and is_utf8(text) for text in example.record.values())
    record = json.dumps(example.record, ensure_ascii=not plain).encode()
    for ending, data in ((example.ending, example.data), ("json", record)):
        info = tarfile.TarInfo(f"{number:09}.{ending}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        tar.members = []  # type: ignore[attr-defined]  # it would remember every one
