"""Checkpoints: one safetensors file each, written whole, the last two kept."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..errors import ConvlensError
from ..files import saying_where, write_whole

KEPT = 2


@dataclass
class Checkpoint:
    """Everything that the next step depends on: tensors by name, and a state of plain data."""

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `step-N.safetensors`, its checksum inside; drop all but the last two."""
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{checkpoint.step:09d}.safetensors"
    state = json.dumps({"step": checkpoint.step, **checkpoint.state})
    tensors = {name: value.contiguous() for name, value in checkpoint.tensors.items()}
    write_whole(path, save(tensors, {"state": state, "sha256": _checksum(tensors, state)}))
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEPT]:
        old.unlink(missing_ok=True)


def _checksum(tensors: dict[str, Tensor], state: str) -> str:
    """Of the file as it would be without a checksum: names, shapes, numbers and state."""
    return hashlib.sha256(save(tensors, {"state": state})).hexdigest()


def checkpoint_from(data: bytes) -> Checkpoint:
    """A checkpoint from its file's bytes. Raises what safetensors and JSON raise, `ValueError`."""
    tensors = load(data)
    length = int.from_bytes(data[:8], "little")
    inside = json.loads(data[8 : 8 + length])["__metadata__"]
    if _checksum(tensors, inside["state"]) != inside["sha256"]:
        raise ValueError("its checksum differs")
    state = json.loads(inside["state"])
    return Checkpoint(int(state.pop("step")), tensors, state=state)


def newest_checkpoint(folder: Path, warn: Any) -> bytes:
    """The newest sound checkpoint's bytes; a damaged one is passed over with a warning.

    Raises `ConvlensError` where none is left.
    """
    for path in sorted(folder.glob("step-*.safetensors"), reverse=True):
        try:
            data = path.read_bytes()
            checkpoint_from(data)
            return data
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            warn(f"{path} is damaged ({error}); the checkpoint before it is used")
    raise ConvlensError(f"there is no checkpoint in {folder}: train again from the beginning")


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state as tensors by name, and the rest as plain data."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            key = f"{index}.{name}"
            if isinstance(value, Tensor):
                tensors[key] = value
            else:
                plain[key] = value
    return tensors, plain


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], *, plain: dict[str, Any]
) -> None:
    """The reverse of `flatten_optimizer`."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **plain}.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)


def read_parameters(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file. Raises `ConvlensError`."""
    with saying_where(path, "read"):
        data = path.read_bytes()
    try:
        return load(data)
    except SafetensorError as error:
        raise ConvlensError(f"{path} is not a safetensors file: {error}") from error
