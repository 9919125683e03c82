"""Checkpoints: one safetensors file each, written whole, the last two kept."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
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
class Progress:
    """What training has come to: steps, J since the last measurement, the best one, and all.

    `seconds` are those of training, `measuring` of them went into measurements. Before the step
    `settled` the plan is not revised any more: steps up to there were computed by it already.
    """

    step: int = 0
    seconds: float = 0.0
    _: KW_ONLY
    measuring: float = 0.0
    settled: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    best_loss: float | None = None
    best_step: int = 0
    recoveries: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def advance(self, loss: float, seconds: float) -> None:
        """Count a step."""
        self.loss_sum += loss
        self.loss_steps += 1
        self.step += 1
        self.seconds += seconds

    def measured(self, seconds: float) -> None:
        """Count what a measurement took."""
        self.seconds += seconds
        self.measuring += seconds

    def take_mean_loss(self) -> float | None:
        """J over the steps since it was taken last; None where there were none."""
        mean = self.loss_sum / self.loss_steps if self.loss_steps else None
        self.loss_sum, self.loss_steps = 0.0, 0
        return mean


@dataclass
class Checkpoint:
    """Everything that the next step depends on.

    `tensors` are those of the module, its average (`ema`), the best parameters so far (`best`), the
    optimizer and the model selection, by part and name; `optimizer_state` is the optimizer's plain
    data.
    """

    tensors: Mapping[str, dict[str, Tensor]]
    progress: Progress
    _: KW_ONLY
    optimizer_state: dict[str, Any]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `step-N.safetensors`, its checksum inside; drop all but the last two."""
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{checkpoint.progress.step:09d}.safetensors"
    state = json.dumps(
        {"progress": asdict(checkpoint.progress), "optimizer": checkpoint.optimizer_state}
    )
    tensors = {
        f"{part}.{name}": value.contiguous()
        for part, values in checkpoint.tensors.items()
        for name, value in values.items()
    }
    write_whole(path, save(tensors, {"state": state, "sha256": _checksum(tensors, state)}))
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEPT]:
        old.unlink(missing_ok=True)


def _checksum(tensors: dict[str, Tensor], state: str) -> str:
    """Of the file as it would be without a checksum: names, shapes, numbers and state."""
    return hashlib.sha256(save(tensors, {"state": state})).hexdigest()


def checkpoint_from(data: bytes) -> Checkpoint:
    """A checkpoint from its file's bytes. Raises what safetensors and JSON raise, `ValueError`."""
    flat = load(data)
    length = int.from_bytes(data[:8], "little")
    inside = json.loads(data[8 : 8 + length])["__metadata__"]
    if _checksum(flat, inside["state"]) != inside["sha256"]:
        raise ValueError("its checksum differs")
    state = json.loads(inside["state"])
    tensors: dict[str, dict[str, Tensor]] = defaultdict(dict)  # a part may have none
    for key, value in flat.items():
        part, name = key.split(".", 1)
        tensors[part][name] = value
    progress = Progress(**state["progress"])
    return Checkpoint(tensors, progress, optimizer_state=state["optimizer"])


def holds_checkpoints(folder: Path) -> bool:
    """Whether there is one; a process that was killed early may have left a folder without any."""
    return any(folder.glob("step-*.safetensors"))


def newest_checkpoint(folder: Path, warn: Callable[[str], None]) -> bytes:
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
