"""Mutated files of every kind that convlens reads: each ends in an answer or a clear error.

    python torture/fuzz.py [--count 10000] [--seed 0] [--kinds pictures,tables,…]

Good files are changed at random (bits flipped, parts cut, doubled, zeroed, exchanged with other
files', numbers in them made huge) and read in child processes, whose memory is limited and whose
every item has `SECONDS`. Anything but an answer or a `ConvlensError` is a failure, named by its
kind and number, which make it again.
"""

import argparse
import contextlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SECONDS = 5.0
MEMORY = 4 * 2**30
"""Address space of a child, with everything that it has loaded; see docs/reliability.md."""
SHARES = {"pictures": 0.6, "tables": 0.15, "detectors": 0.15, "checkpoints": 0.05, "runs": 0.05}


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A few random changes, the same for the same generator."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        at = rng.randrange(len(out))
        length = min(len(out) - at, rng.choice((1, 2, 4, 8, 64, 1024)))
        match rng.randrange(8):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at:]
            case 2:
                del out[at : at + length]
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                out[at : at + length] = bytes(length)
            case 5:
                out[at : at + length] = rng.randbytes(length)
            case 6:
                out[at : at + length] = rng.choice((b"\xff", b"\x7f", b"\x00")) * length
            case _:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                out[at : at + length] = other[start : start + length]
    return bytes(out)


def good_pictures() -> list[bytes]:
    """A picture in every format, mode and size that matters."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    noise = np.random.default_rng(0).integers(0, 256, (48, 40, 4)).astype(np.uint8)
    base = Image.fromarray(noise, "RGBA")
    made = []
    for kind, modes in {
        "JPEG": ("RGB", "L", "CMYK"),
        "PNG": ("RGB", "RGBA", "L", "P", "1", "I;16"),
        "WEBP": ("RGB", "RGBA"),
        "GIF": ("P", "L"),
        "BMP": ("RGB", "1"),
        "TIFF": ("RGB", "RGBA", "CMYK", "F", "I;16"),
        "AVIF": ("RGB", "RGBA"),
        "HEIF": ("RGB",),
        "MPO": ("RGB",),
    }.items():
        for mode in modes:
            image = base.convert("L").convert(mode) if mode == "F" else None
            if mode == "I;16":
                image = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
            buffer = io.BytesIO()
            extra = {"save_all": True, "append_images": [base.convert("RGB")]}
            many = extra if kind in {"MPO", "GIF"} and mode != "L" else {}
            (image or base.convert("RGB").convert(mode) if mode != "RGBA" else base).save(
                buffer, kind, **many
            )
            made.append(buffer.getvalue())
    return made


def good_tables(home: Path) -> list[bytes]:
    """CSV and Parquet tables, of paths and of bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    pictures = good_pictures()[:4]
    for number, data in enumerate(pictures):
        (home / f"{number}.png").write_bytes(data)
    rows = [(f"{n}.png", "cat" if n % 2 else "dog", "train", f"g{n}") for n in range(4)]
    lines = ["path,label,split,group", *(",".join(row) for row in rows)]
    made = ["\n".join(lines).encode(), "\n".join(lines).replace(",", ";").encode("utf-8-sig")]
    columns = {"image": pictures, "label": [row[1] for row in rows]}
    for table in (pa.table(columns), pa.table({"path": [row[0] for row in rows], **columns})):
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        made.append(buffer.getvalue())
    return made


def read_picture(data: bytes, home: Path) -> None:
    from convlens.errors import PictureError
    from convlens.pictures.decode import decode, dimensions

    with contextlib.suppress(PictureError):
        dimensions(data)
    pixels = decode(data)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3


def read_table(data: bytes, home: Path) -> None:
    from convlens.errors import PictureError
    from convlens.pictures.catalog import read_catalog

    path = home / ("t.parquet" if data[:4] == b"PAR1" else "t.csv")
    path.write_bytes(data)
    catalog = read_catalog(path)
    for source in catalog.sources[:8]:
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
        resume(home / "run", Stop())


def prepare_run(home: Path) -> None:
    """A short run to take good files from."""
    sys.path.insert(0, str(Path(__file__).parent))
    from kills import draw

    from convlens import train

    line = "conv 4 3x3, norm, pool 2, dense 6"
    data = draw(home / "pictures", 12)
    train(data, home / "run", network=line, weights="none", size=16, steps=2, compute="float32")


READ: dict[str, Callable[[bytes, Path], None]] = {
    "pictures": read_picture,
    "tables": read_table,
    "detectors": read_detector,
    "checkpoints": read_checkpoint,
    "runs": read_run,
}


def good(kind: str, home: Path) -> list[bytes]:
    """Whole files of a kind."""
    match kind:
        case "pictures":
            return good_pictures()
        case "tables":
            return good_tables(home)
        case "detectors":
            return [(home / "run" / "detector.onnx").read_bytes()]
        case "checkpoints":
            return [p.read_bytes() for p in sorted((home / "run" / "checkpoint").glob("*.saf*"))]
        case _:
            return [(home / "run" / "run.json").read_bytes()]


def resealed(data: bytes, rng: random.Random) -> bytes:
    """Half of the detectors carry a right checksum, as a stranger could make them do."""
    from convlens.detector.integrity import SEAL, seal

    return seal(data[:-SEAL]) if rng.random() < 0.5 else data


def child(kind: str, seed: int, first: int, last: int, home: Path, log: Path) -> None:
    """Read the items of a range, and note each before it is begun."""
    from convlens.errors import ConvlensError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = good(kind, home)
    with log.open("a", buffering=1) as note:
        for number in range(first, last):
            rng = random.Random(f"{kind} {seed} {number}")
            data = mutated(rng.choice(files), rng, files)
            if kind == "detectors":
                data = resealed(data, rng)
            note.write(json.dumps({"began": number, "at": time.process_time()}) + "\n")
            try:
                READ[kind](data, home)
                how = "read"
            except ConvlensError as error:
                how = "clear error" if str(error) else "an error without a word"
            except Exception as error:  # what the test is for
                how = f"{type(error).__name__}: {error}"[:300]
            note.write(json.dumps({"ended": number, "how": how}) + "\n")
        status = Path("/proc/self/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 2**10
        note.write(json.dumps({"peak": peak}) + "\n")


def torture(kind: str, count: int, seed: int, home: Path) -> tuple[dict[str, int], list[str]]:
    """Counts of how items ended, and the failures by name."""
    counts = {"read": 0, "clear error": 0}
    failures: list[str] = []
    first, peak = 0, 0.0
    while first < count:
        log = home / f"{kind}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--child", kind, str(seed), str(first), str(count)]
        with subprocess.Popen([*command, str(home), str(log)], stderr=subprocess.PIPE) as process:
            late = _watch(process, log)
            error = process.stderr.read().decode()[-300:] if process.stderr else ""
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        began = [line["began"] for line in lines if "began" in line]
        for line in lines:
            if "ended" in line:
                if line["how"] in counts:
                    counts[line["how"]] += 1
                else:
                    failures.append(f"{kind} {line['ended']}: {line['how']}")
            peak = max(peak, line.get("peak", 0.0))
        if process.returncode == 0:
            break
        if not began:
            sys.exit(f"FAILED: the child for {kind} did not begin: {error}")
        why = f"took more than {SECONDS:g} s" if late else f"killed it ({process.returncode})"
        failures.append(f"{kind} {began[-1]}: {why} {error.strip()}")
        first = began[-1] + 1
    counts["peak MB"] = round(peak)
    return counts, failures


def used(pid: int) -> float:
    """Seconds of the processor that a process has used, 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _watch(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    """Wait for the child; kill it, and return True, where one item takes too long."""
    current, since = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        if not log.exists():
            continue
        last = log.read_text().rstrip().rsplit("\n", 1)[-1]
        try:
            noted = json.loads(last) if last else {}
        except ValueError:
            continue
        if "began" not in noted or noted["began"] != current:
            current, since = noted.get("began", -1), time.monotonic()
        # on a busy machine a child may get little of the processor: its own time counts
        elif used(process.pid) - noted["at"] > SECONDS or time.monotonic() - since > 20 * SECONDS:
            process.kill()
            process.wait()
            return True
    return False


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, seed, first, last, home, log = sys.argv[2:]
        child(kind, int(seed), int(first), int(last), Path(home), Path(log))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(SHARES))
    asked = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["CONVLENS_CACHE"] = str(Path(place) / "cache")
        prepare_run(Path(place))
        for kind in asked.kinds.split(","):
            counts, failures = torture(
                kind, round(asked.count * SHARES[kind]), asked.seed, Path(place)
            )
            print(f"{kind}: {counts}, {len(failures)} failures", flush=True)
            failed += failures
    for failure in failed[:50]:
        print(f"FAILED: {failure}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
