"""Where the pictures are that a table names: as it says, or by the one repair that suits it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import ConvlensError
from ..crops.crops import SUFFIX
from ..folder import folders_in
from ..label import tidy_path
from ..source import is_picture_name

LEFT_OUT = ("jpg", "png", "jpeg", "webp", "tif", "tiff", "bmp", "gif")
"""Endings that tables leave out."""
PACKED = (".parquet", ".tar")
"""Files that pictures may lie within, as `shard.tar#1.jpg`."""
LOOKED_FOR, FOLDERS = 50, 32
"""Pictures that are looked for before others are taken to be there; folders to look into."""


@dataclass(frozen=True)
class Repair:
    """What makes paths of what a table says: so many folders less, one more, an ending."""

    dropped: int
    folder: Path
    ending: str

    def path(self, text: str) -> str:
        """The path, whether or not it is there."""
        parts = PurePosixPath(tidy_path(text)).parts
        return str(self.folder.joinpath(*parts[min(self.dropped, len(parts) - 1) :])) + self.ending


def locate(table: Path, texts: Sequence[str]) -> list[str]:
    """The paths of a table's pictures, of which it says `texts`.

    What is not there as it is written may have spaces around it, backslashes as on Windows, or
    bytes of Windows-1252. Where none is there, the table was made elsewhere, and there is one
    repair for all: folders at the beginning that are not here, a folder beside the table, an ending
    that was left out. Raises `ConvlensError` where that does not help.
    """
    paths = [_as_written(table.parent, text) for text in texts]
    spread = range(0, len(texts), max(1, len(texts) // LOOKED_FOR))
    if not texts or any(_is_there(paths[row]) for row in spread):
        return paths
    repair = _suitable(table.parent, [texts[row] for row in spread])
    if repair is not None:
        repaired = ((path, repair.path(text)) for path, text in zip(paths, texts, strict=True))
        return [other if _is_there(other) else path for path, other in repaired]
    if any(map(_is_there, paths)):
        return paths
    packed, sign, _ = paths[0].rpartition("#")
    if sign and packed.endswith(PACKED):
        raise ConvlensError(
            f"{table}: its pictures lie within {packed} and the like, where a table of paths does "
            "not reach: give what they were learnt from itself (a run of such pictures cannot be "
            "exported: convlens needs them as files to prove what it writes)"
        )
    raise ConvlensError(
        f"{table}: none of its {len(texts):,} pictures is there, the first being "
        f"{paths[0][:300]}; paths are relative to the table's folder: lay the table beside its "
        "pictures, or correct them"
    )


def _as_written(folder: Path, text: str) -> str:
    path, tidy = str(folder / text), tidy_path(text)
    if tidy == text or _is_there(path):
        return path
    return str(folder / tidy) if _is_there(str(folder / tidy)) else path


def _is_there(path: str) -> bool:
    return os.path.lexists(path) or os.path.lexists(path.removesuffix(SUFFIX))


def _suitable(folder: Path, texts: Sequence[str]) -> Repair | None:
    """The repair by which more than half are there, if it is the only such one, or drops least."""
    found = {
        repair: sum(_is_file(repair.path(text)) for text in texts)
        for repair in _candidates(folder, texts[:3])
    }
    most = max(found.values(), default=0)
    best = [repair for repair, count in found.items() if count == most > len(texts) / 2]
    best = [repair for repair in best if repair.dropped == min(b.dropped for b in best)]
    files = {repair.path(texts[0]) for repair in best}
    return best[0] if len(files) == 1 else None


def _candidates(folder: Path, texts: Sequence[str]) -> Iterator[Repair]:
    """The repairs by which one of these is there."""
    folders = (folder, *folders_in(folder)[:FOLDERS])
    endings = ("",) if is_picture_name(texts[0]) else ("", *(f".{name}" for name in LEFT_OUT))
    for dropped in range(len(PurePosixPath(tidy_path(texts[0])).parts)):
        for repair in (Repair(dropped, f, e) for f in folders for e in endings):
            if any(_is_file(repair.path(text)) for text in texts):
                yield repair


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113
