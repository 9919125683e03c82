"""How convlens reads each kind of file: an answer, or a `ConvlensError`."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np


def read_picture(data: bytes, home: Path) -> None:
    from convlens.errors import PictureError
    from convlens.pictures.decode import decode
    from convlens.pictures.formats.opening import dimensions

    with contextlib.suppress(PictureError):
        dimensions(data)
    pixels = decode(data)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3


def read_table(data: bytes, home: Path) -> None:
    endings = {b"PAR1": "parquet", b'{"pa': "jsonl"}
    path = home / f"t.{endings.get(data[:4], 'csv')}"
    path.write_bytes(data)
    read_some(path)


def read_shard(data: bytes, home: Path) -> None:
    path = home / "s.tar"
    path.write_bytes(data)
    read_some(path)


def read_some(path: Path) -> None:
    """A data set, and some of its pictures."""
    from convlens.errors import PictureError
    from convlens.pictures.read import read_catalog

    for source in read_catalog(path).sources[:8]:
        with contextlib.suppress(PictureError):
            source.read()


def read_detector(data: bytes, home: Path) -> None:
    from convlens import Detector

    detector = Detector(data)
    assert detector.probabilities(np.zeros((20, 30, 3), np.uint8)).shape == (len(detector.labels),)


def read_checkpoint(data: bytes, home: Path) -> None:
    from convlens.engine.checkpoint import newest_checkpoint as read

    folder = home / "checkpoint"
    folder.mkdir(exist_ok=True)
    (folder / "step-000000001.safetensors").write_bytes(data)
    read(folder, lambda _: None)


def read_run(data: bytes, home: Path) -> None:
    from convlens.engine.callbacks import NullCallback
    from convlens.training.train import resume

    class Stop(NullCallback):
        """Ends a run that can be gone on with at once."""

        def say(self, text: str) -> None:
            raise EnoughError

    class EnoughError(Exception):
        pass

    (home / "run" / "run.json").write_bytes(data)
    with contextlib.suppress(EnoughError):
        resume(home / "run", callback=Stop())


READERS: dict[str, Callable[[bytes, Path], None]] = {
    "pictures": read_picture,
    "tables": read_table,
    "shards": read_shard,
    "detectors": read_detector,
    "checkpoints": read_checkpoint,
    "runs": read_run,
}
