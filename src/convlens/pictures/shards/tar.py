"""One shard, read as a stream: the pictures of a `.tar` with what lies beside each of them."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ...errors import ConvlensError
from ..folder import SPLIT_NAMES
from ..table import COLUMNS
from .streams import Stream

KINDS = frozenset(
    ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "img")
)
"""Endings of members that are pictures."""

MOST = 256 << 20
"""Bytes of a member that is larger than any picture."""


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file in a shard: its bytes, and where they begin."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and its label; `label` None where there is none, for the reason in `why`."""

    picture: Member
    label: str | None
    _: KW_ONLY
    split: str | None = None
    group: str | None = None
    why: str = ""


def members(stream: Stream) -> Iterator[Member]:
    """The plain files of a tar in their order, one in memory at a time.

    Raises `ConvlensError` where it is damaged, or holds what could lead elsewhere when somebody
    unpacks it: links, devices, names from the root or upwards.
    """
    where = stream.place
    try:
        forward: Any = stream
        with tarfile.open(fileobj=forward, mode="r|", bufsize=1 << 20) as tar:
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would remember every one
                if info.isdir():
                    continue
                _refuse(info, where)
                file = tar.extractfile(info)
                data = file.read() if file is not None else b""
                if len(data) != info.size:
                    raise ConvlensError(f"{where} ends within {info.name!r}: copy it anew")
                yield Member(info.name, info.offset_data, data=data)
    except tarfile.TarError as error:
        raise ConvlensError(
            f"{where} is no readable .tar at byte {stream.position:,}: {error}; copy it anew, "
            "or, if it is compressed, unpack it: shards are plain tar files"
        ) from error


def _refuse(info: tarfile.TarInfo, where: str) -> None:
    """Raise a `ConvlensError` unless it is a plain file with a name below where it is unpacked."""
    name = info.name
    if not info.isreg() or info.issparse():
        raise ConvlensError(
            f"{where} holds {name!r}, which is a link or a device: a shard holds plain files only, "
            "so it is not read"
        )
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or any(c in name for c in "\\\0") or ":" in parts[0]:
        raise ConvlensError(
            f"{where} holds {name!r}, which leads out of the folder that it is unpacked in: it is "
            "not read"
        )
    if info.size > MOST:
        raise ConvlensError(
            f"{where} holds {name!r} of {info.size:,} bytes; a picture has {MOST:,} at most"
        )


def samples(stream: Stream) -> Iterator[Sample]:
    """The pictures of a shard with their labels, in order.

    By WebDataset's convention files that follow each other with one name up to the first dot are
    one example: `0001.jpg` with `0001.json` (label, split, group) or `0001.cls` (label). Pictures
    without either take their folder's name, as in a folder of pictures.
    """
    held: list[Member] = []
    for member in members(stream):
        if held and (_key(member.name) != _key(held[0].name) or len(held) == 16):
            yield from _samples(held, stream.place)
            held = []
        held.append(member)
    yield from _samples(held, stream.place)


def _key(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.split('.', 1)[0]}"


def _ending(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower()


def _samples(held: list[Member], where: str) -> Iterator[Sample]:
    pictures = [member for member in held if _ending(member.name) in KINDS]
    beside = {_ending(member.name): member for member in held if member not in pictures}
    told = beside.get("json") or beside.get("cls")
    if told is None:
        yield from (_by_folder(picture) for picture in pictures)
        return
    if len(pictures) > 1:
        yield from (Sample(p, None, why="shares its label with another one") for p in pictures)
        return
    for picture in pictures:
        if told is not beside.get("json"):
            label = told.data.decode("utf-8", "replace").strip()
            yield Sample(picture, label or None, why="has no label")
        else:
            yield _by_record(picture, told, where=where)


def _by_folder(picture: Member) -> Sample:
    parts = [part for part in picture.name.split("/") if part != "."][:-1]
    split = SPLIT_NAMES.get(parts[0].lower()) if len(parts) > 1 else None
    parts = parts[1:] if split else parts
    return Sample(picture, parts[0] if parts else None, split=split, why="has no label")


def _by_record(picture: Member, told: Member, *, where: str) -> Sample:
    try:
        record = json.loads(told.data)
    except (ValueError, RecursionError) as error:
        raise ConvlensError(f"{where}: {told.name} is not readable as JSON: {error}") from error
    if not isinstance(record, dict):
        return Sample(picture, None, why="has no label")
    lowered = {str(name).lower(): value for name, value in record.items()}

    def cell(role: str) -> str | None:
        value: Any = next((lowered[n] for n in COLUMNS[role] if n in lowered), None)
        return str(value).strip() or None if isinstance(value, str | int) else None

    split = cell("split")
    if split is not None and split.lower() not in SPLIT_NAMES:
        raise ConvlensError(
            f"{where}: {told.name}: the split is {split!r}; it can be 'train', 'val' or 'test'"
        )
    side = SPLIT_NAMES[split.lower()] if split else None
    return Sample(picture, cell("label"), split=side, group=cell("group"), why="has no label")
