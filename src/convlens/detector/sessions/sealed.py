"""A detector whose runtime's files have no room for metadata: what lies beside them, sealed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConvlensError
from ...files import read_json, saying_where, sound_record, write_whole

RECORD = "detector.json"


@dataclass(frozen=True)
class Sealed:
    """Files of a detector, as they were written."""

    form: str
    metadata: dict[str, str]
    files: dict[str, bytes]
    digest: str


def write_sealed(
    folder: Path, form: str, metadata: Mapping[str, str], *, files: Mapping[str, bytes]
) -> None:
    """Write files, and beside them the metadata with a checksum of each file."""
    for name, data in files.items():
        write_whole(folder / name, data)
    record = {
        "form": form,
        "metadata": dict(metadata),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    write_whole(folder / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def read_sealed(path: Path) -> Sealed:
    """What stands beside this record. Raises `ConvlensError` where a file was changed."""
    record = read_json(path)
    files = {}
    with sound_record(path):
        form, metadata = str(record["form"]), {**record["metadata"]}
        sums: dict[str, str] = {**record["sha256"]}
    for name, wanted in sums.items():
        file = path.parent / Path(name).name
        with saying_where(file, "read"):
            files[name] = file.read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != wanted:
            raise ConvlensError(f"{file}: its checksum differs: the file was damaged or changed")
    text = json.dumps([form, metadata, sums], sort_keys=True)
    return Sealed(form, metadata, files, hashlib.sha256(text.encode()).hexdigest())
