"""What ONNX Runtime made of a detector before, kept in the cache: most of its loading is that.

It depends on the processor and on the version of ONNX Runtime, and answers as the detector does, to
the last bit, since it is what the detector becomes in memory.
"""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from ...errors import ConvlensError
from ...files import write_whole
from ...pictures.cache import cache_folder
from ..integrity import checksum

LEAST = 2**22
"""Bytes of a file from which on it is worth keeping."""
KEPT = 8
"""Files that are kept, those used last."""
MOST = 2
"""Nothing is kept that is more than so many times as large as the model: constants can unfold."""

Make: TypeAlias = Callable[..., Any]


def optimized_session(
    data: bytes, more: bytes, make: Make, *, options: Any, check: Callable[[], None]
) -> Any:
    """A session of a sealed model, optimised now or before.

    Args:
        data: The model.
        more: What is to stand behind it.
        make: Makes a session of a model and options.
        options: ONNX Runtime's; they are changed.
        check: Looks through the model, and raises where something is wrong with it.
    """
    path = _path(checksum(data).encode() + more) if len(data) >= LEAST else None
    with ThreadPoolExecutor(1) as pool:  # to read and to sum up takes as long as to look through
        checking = pool.submit(check)
        kept = None if path is None else _kept(path)
        checking.result()
    if path is None:
        return make(data + more, options)
    level = options.graph_optimization_level
    # where something fails here, the model itself is loaded, which has errors of its own
    if kept is not None:
        options.graph_optimization_level = type(level).ORT_DISABLE_ALL
        with suppress(Exception):
            return make(kept, options)
        options.graph_optimization_level = level
    with suppress(Exception), tempfile.TemporaryDirectory() as folder:
        optimized = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        session = make(data + more, options)
        with suppress(OSError, ConvlensError):
            _keep(path, optimized, most=MOST * len(data))
        return session
    options.optimized_model_filepath = ""
    return make(data + more, options)


def _path(key: bytes) -> Path | None:
    """Where it is kept, by the model and by what it was optimised for; None without a cache."""
    import onnxruntime

    digest = hashlib.sha256(key)
    digest.update(f"|{onnxruntime.__version__}|{_instructions()}".encode())
    with suppress(ConvlensError, RuntimeError):
        return cache_folder("optimized") / f"{digest.hexdigest()}.onnx"
    return None


def _instructions() -> str:
    """Of the processor, as far as the system tells."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    return f"{platform.machine()} {platform.processor()}"


def _kept(path: Path) -> bytes | None:
    """What was kept; None where nothing was, or it is damaged."""
    try:
        with path.open("rb") as file:
            digest, model = file.read(hashlib.sha256().digest_size), file.read()
        os.utime(path)
    except OSError:
        return None
    return model if hashlib.sha256(model).digest() == digest else None


def _keep(path: Path, optimized: Path, *, most: int) -> None:
    """Keep it where it is not too large, and, of all that is kept, those that were used last."""
    if optimized.stat().st_size > most:
        return
    model = optimized.read_bytes()
    write_whole(path, hashlib.sha256(model).digest() + model)
    paths = sorted(path.parent.glob("*.onnx"), key=lambda kept: kept.stat().st_mtime)
    for oldest in paths[:-KEPT]:
        oldest.unlink(missing_ok=True)
