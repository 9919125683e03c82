"""One shard, read as a stream: the pictures of a `.tar` with what lies beside each of them."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ...errors import ConvlensError
from ..folder import BY_SYSTEMS, HIDDEN, is_litter, is_system_folder
from ..source import ENDINGS
from ..split_name import split_named
from ..tables.columns import COLUMNS, label_of, text_of
from .stream import Stream

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
    """A picture and its label; `label` None where there is none, for the `reason`.

    `objects` is the record of its boxes, where it has some; its label is then empty.
    """

    picture: Member
    label: str | None
    _: KW_ONLY
    split: str | None = None
    group: str | None = None
    objects: dict[str, Any] | None = None
    reason: str = ""

    @property
    def passed_over(self) -> bool:
        """Whether it is no picture of the user's."""
        return self.reason in {BY_SYSTEMS, HIDDEN}


def members(stream: Stream) -> Iterator[Member]:
    """The plain files of a tar in their order, one in memory at a time.

    Raises `ConvlensError` where it is damaged, or holds what could lead elsewhere when somebody
    unpacks it: links, devices, names from the root or upwards.
    """
    try:
        forward: Any = stream
        with tarfile.open(fileobj=forward, mode="r|", bufsize=1 << 20) as tar:
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would remember every one
                if info.isdir():
                    continue
                _refuse(info, stream.url)
                file = tar.extractfile(info)
                data = file.read() if file is not None else b""
                if len(data) != info.size:
                    raise ConvlensError(f"{stream.url} ends within {info.name!r}: copy it anew")
                yield Member(info.name, info.offset_data, data=data)
            if stream.position - tar.offset < tarfile.BLOCKSIZE:  # no zeros at its end
                raise ConvlensError(f"{stream.url} has no end, as if cut off: copy it anew")
    except tarfile.TarError as error:
        raise ConvlensError(
            f"{stream.url} is no readable .tar at byte {stream.position:,}: {error}; copy it anew, "
            "or, if it is compressed, unpack it: shards are plain tar files"
        ) from error


def _refuse(info: tarfile.TarInfo, shard: str) -> None:
    """Raise a `ConvlensError` unless it is a plain file with a name below where it is unpacked."""
    name = info.name
    if not info.isreg() or info.issparse():
        raise ConvlensError(
            f"{shard} holds {name!r}, which is a link or a device: a shard holds plain files only, "
            "so it is not read"
        )
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or any(c in name for c in "\\\0") or ":" in parts[0]:
        raise ConvlensError(
            f"{shard} holds {name!r}, which leads out of the folder that it is unpacked in: it is "
            "not read"
        )
    if info.size > MOST:
        raise ConvlensError(
            f"{shard} holds {name!r} of {info.size:,} bytes; a picture has {MOST:,} at most"
        )


def samples(stream: Stream) -> Iterator[Sample]:
    """The pictures of a shard with their labels, in order.

    By WebDataset's convention files that follow each other with one name up to the first dot are
    one example: `0001.jpg` with `0001.json` (label, split, group) or `0001.cls` (label). Pictures
    without either take their folder's name, as in a folder of pictures.
    """
    example: list[Member] = []
    for member in members(stream):
        folders = [part for part in member.name.split("/") if part != "."]
        by_systems = any(map(is_system_folder, folders[:-1]))
        if by_systems or any(part.startswith(".") for part in folders):
            if _ending(member.name) in ENDINGS and not is_litter(folders[-1]):
                yield Sample(member, None, reason=BY_SYSTEMS if by_systems else HIDDEN)
            continue
        if example and (_key(member.name) != _key(example[0].name) or len(example) == 16):
            yield from _samples(example, stream.url)
            example = []
        example.append(member)
    yield from _samples(example, stream.url)


def _key(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.split('.', 1)[0]}"


def _ending(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower()


def _samples(example: list[Member], shard: str) -> Iterator[Sample]:
    pictures = [member for member in example if _ending(member.name) in ENDINGS]
    beside = {_ending(member.name): member for member in example if member not in pictures}
    record, label = beside.get("json"), beside.get("cls")
    if record is None and label is None:
        yield from (_by_folder(picture) for picture in pictures)
    elif len(pictures) > 1:
        yield from (Sample(p, None, reason="shares its label with another one") for p in pictures)
    elif pictures and record is not None:
        yield _by_record(pictures[0], record, shard=shard)
    elif pictures and label is not None:
        text = label.data.decode("utf-8", "surrogateescape").strip()
        yield Sample(pictures[0], text or None, reason="has no label")


def _by_folder(picture: Member) -> Sample:
    parts = [part for part in picture.name.split("/") if part != "."][:-1]
    split = split_named(parts[0]) if len(parts) > 1 else None
    parts = parts[1:] if split else parts
    return Sample(picture, parts[0] if parts else None, split=split, reason="has no label")


def _by_record(picture: Member, record: Member, *, shard: str) -> Sample:
    try:
        values = json.loads(record.data)
    except (ValueError, RecursionError) as error:
        raise ConvlensError(f"{shard}: {record.name} is not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        return Sample(picture, None, reason="has no label")
    lowered = {str(name).lower(): value for name, value in values.items()}
    cells = {
        role: next((lowered[name] for name in names if name in lowered), None)
        for role, names in COLUMNS.items()
    }
    where = f"{shard}: {record.name}"
    objects = lowered.get("boxes")
    objects = objects if isinstance(objects, dict) else None
    label = "" if objects is not None else label_of(cells["label"], where=where) or None
    split, group = (text_of(cells[role]).strip() for role in ("split", "group"))
    split_name = split_named(split)
    if split and not split_name:
        raise ConvlensError(f"{where}: the split is {split!r}; it can be 'train', 'val' or 'test'")
    return Sample(
        picture,
        label,
        split=split_name,
        group=group or None,
        objects=objects,
        reason="has no label",
    )
