"""Shards that `convlens shard` wrote of pictures with boxes: a record of them beside each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import ConvlensError
from ....files import given_path
from ...shards.find import ShardList
from ...shards.read import ShardSource, list_shards
from ...split_name import split_of
from ..boxes import BoxCatalog
from ..raw import RawPicture, RawSet


def has_boxes(shards: ShardList) -> bool:
    """Whether any picture in them has a record of boxes."""
    return any(any(columns["objects"]) for _, columns in list_shards(shards))


def read(pictures: str | Path, shards: ShardList) -> RawSet:
    """Read what stands beside each picture. Raises `ConvlensError`, naming the record."""
    root = given_path(pictures)
    raw = RawSet(
        form="shards", root=root, unit="box", units="pixels", corners=("xyxy",), origin="from0"
    )
    for shard, columns in list_shards(shards):
        for row, objects in enumerate(columns["objects"]):
            source = ShardSource(shard, row)
            if objects is None:
                raw.skip(source.name, "has no boxes beside it")
                continue
            picture = RawPicture(
                source=source,
                file=source.name,
                split=columns["splits"][row] or split_of(shard.url),
                group=columns["groups"][row],
                labelled=bool(objects.get("labelled", True)),
                notes=dict(objects.get("notes", {})),
            )
            try:
                _add(picture, objects, raw)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                raise ConvlensError(
                    f"{source.name}: its record of boxes is damaged ({error!r}): write the shards "
                    "anew"
                ) from error
            raw.pictures.append(picture)
        raw.skipped += [(f"{shard.url}#{name}", reason) for name, reason in columns["skipped"]]
    raw.classes = dict(sorted(raw.classes.items(), key=lambda item: item[1]))
    return raw


def _add(picture: RawPicture, objects: Mapping[str, Any], raw: RawSet) -> None:
    for name, number in objects.get("classes", {}).items():
        raw.name_class(name, int(number))
    raw.record = raw.record or dict(objects.get("record", {}))
    columns = [objects[name] for name in ("xyxy", "labels", "crowd", "difficult")]
    extras = objects.get("extras") or [{}] * len(columns[0])
    for place, (box, label, crowd, difficult, extra) in enumerate(
        zip(*columns, extras, strict=True), 1
    ):
        values = [float(value) for value in box]
        if len(values) != 4:
            raise ValueError(f"box {place} has {len(values)} numbers")
        picture.add(
            place,
            raw.name_class(label),
            values,
            crowd=bool(crowd),
            difficult=bool(difficult),
            extras=dict(extra),
        )


def record_of(catalog: BoxCatalog, row: int, *, path: str, first: bool) -> dict[str, Any]:
    """What to write beside a picture; beside the `first` of a split its classes too."""
    boxes = catalog.boxes[row]
    record: dict[str, Any] = {
        "xyxy": boxes.xyxy.tolist(),
        "labels": [catalog.classes[label] for label in boxes.labels.tolist()],
        "crowd": boxes.crowd.astype(int).tolist(),
        "difficult": boxes.difficult.astype(int).tolist(),
        "labelled": catalog.labelled[row],
        "notes": {"file_name": path} | dict(catalog.notes[row]),
    }
    if any(boxes.extras):
        record["extras"] = [dict(extra) for extra in boxes.extras]
    if first:
        record["classes"] = dict(zip(catalog.classes, catalog.numbers, strict=True))
        record["record"] = dict(catalog.record)
    return record
