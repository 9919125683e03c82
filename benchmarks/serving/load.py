"""A server under load from wrk: every answer checked, its memory, its latency, its throughput.

    apt-get install wrk
    python benchmarks/serving/load.py DETECTOR PICTURES [--minutes 10] [--rounds 5 --seconds 30]

`convlens serve` has one core for itself and wrk another. First good and bad requests are mixed for
so many minutes: each answer has to be the very one that the detector gives without a server, and
each refusal the stated one. Then good requests alone, a picture each, in turn with a plain loop of
`decode` and ONNX Runtime on the same pictures and the server's core.
"""

import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from convlens import Detector
from convlens.errors import PictureError
from convlens.pictures.decode import decode
from serving.http_requests import Kind, kinds_of
from shared.arguments import detector_file, script_parser

CONNECTIONS = 4


@contextlib.contextmanager
def run_server(detector: Path, core: int | str, *words: str) -> Iterator[tuple[str, int]]:
    """A server on one core, or on some, with further words: its address and process."""
    serve = [sys.executable, "-m", "convlens", "serve", str(detector), "--port", "0"]
    command = ["taskset", "-c", str(core), *serve, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split(" at ")[1].strip(), process.pid
        finally:
            process.terminate()


class Memory:
    """A process's resident megabytes, looked at every second."""

    def __init__(self, process: int) -> None:
        self.megabytes: list[float] = []
        self._path = Path(f"/proc/{process}/statm")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.wait(1):
            pages = int(self._path.read_text().split()[1])
            self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@dataclass
class LoadResult:
    """What wrk measured, by kind of request."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    """One wrong answer of each kind."""
    failed: Counter[str] = field(default_factory=Counter)
    """Connections, by where they failed."""
    seconds: float = 0
    latency: dict[str, float] = field(default_factory=dict)
    """Milliseconds by percentile."""

    @property
    def sound(self) -> bool:
        """Whether every request had the answer that it has to get."""
        return not self.wrong.total() + self.failed.total()


def load(address: str, kinds: list[Kind], core: int, seconds: float) -> LoadResult:
    """Send these kinds of requests, mixed by their shares, from another core."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kind in kinds:
            for n, request in enumerate(kind.requests):
                (home / f"{kind.name} {n}.request").write_bytes(request.text)
                (home / f"{kind.name} {n}.wanted").write_text(request.wanted)
        turns = [kind.name for kind in kinds for _ in range(kind.share)] * 100
        random.Random(0).shuffle(turns)
        next_of = {kind.name: cycle(range(len(kind.requests))) for kind in kinds}
        (home / "order").write_text("\n".join(f"{name} {next(next_of[name])}" for name in turns))
        spread = ["-t", str(CONNECTIONS), "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s"]
        script = ["-s", str(Path(__file__).with_suffix(".lua")), "--timeout", "60s"]
        command = ["taskset", "-c", str(core), "wrk", *spread, *script, address]
        done = subprocess.run(
            [*command, "--", folder, str(CONNECTIONS)], check=True, capture_output=True, text=True
        )
    result = LoadResult()
    for line in done.stdout.splitlines():
        match line.split("\t"):
            case ["right" | "wrong" as how, which, count]:
                getattr(result, how)[which.rsplit(" ", 1)[0]] += int(count)
            case ["said", which, text]:
                result.said[which.rsplit(" ", 1)[0]] = text
            case ["failed", where, count]:
                result.failed[where] = int(count)
            case ["seconds", text]:
                result.seconds = float(text)
            case ["latency", share, text]:
                result.latency[share] = float(text)
    return result


def readable(folder: Path, many: int) -> list[bytes]:
    """Some of a folder's pictures."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(0).shuffle(paths)
    pictures: list[bytes] = []
    for path in paths:
        with contextlib.suppress(PictureError):
            decode(path.read_bytes())
            pictures.append(path.read_bytes())
        if len(pictures) == many:
            break
    return pictures


def bare(detector: Path, sent: list[bytes], core: int, seconds: float) -> float:
    """Pictures a second of a plain loop: decode, run."""
    import onnxruntime

    os.sched_setaffinity(0, {core})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(detector), options)
    session.run(None, {"image": decode(sent[0])[None]})
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        session.run(None, {"image": decode(sent[done % len(sent)])[None]})
        done += 1
    return done / (time.perf_counter() - begun)


def print_mixed_load(result: LoadResult, kinds: list[Kind], memory: list[float]) -> None:
    """Print what came of the mixed load."""
    many = result.right.total() + result.wrong.total()
    print(f"{many:,} requests in {result.seconds / 60:.1f} minutes, {CONNECTIONS} at once")
    print(f"{'kind':26} wanted    answered so   otherwise")
    for kind in kinds:
        status, name = kind.requests[0].wanted[:3], kind.name
        print(f"{name:26} {status:6} {result.right[name]:14,} {result.wrong[name]:11,}")
    for name, text in result.said.items():
        print(f"{name}: {text}")
    where = ", ".join(f"{count} ({where})" for where, count in result.failed.items() if count)
    print(f"connections that failed: {where or 'none'}")
    print("latency: " + ", ".join(f"p{share} {ms:.0f} ms" for share, ms in result.latency.items()))
    print(
        f"memory of the server: {memory[:60][-1]:.0f} MB after {min(60, len(memory))} s, "
        f"{memory[-1]:.0f} MB at the end, {max(memory):.0f} MB at most"
    )


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("detector", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30, help="of a round, for each of the two")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if shutil.which("wrk") is None:
        sys.exit("it takes wrk: apt-get install wrk")
    if len(cores) < 2:
        sys.exit("it takes two cores: one for the server, one for wrk")
    server_core, load_core = cores[:2]
    file = detector_file(arguments.detector)
    sent = readable(arguments.pictures, 100)
    kinds = kinds_of(Detector(file), sent)
    with run_server(file, server_core) as (address, process):
        load(address, kinds, load_core, 5)  # to be warm
        with Memory(process) as memory:
            result = load(address, kinds, load_core, 60 * arguments.minutes)
        print_mixed_load(result, kinds, memory.megabytes)
        sound = result.sound
        ratios = []
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            for number in range(arguments.rounds):
                plain = pool.submit(bare, file, sent, server_core, arguments.seconds).result()
                result = load(address, kinds[:1], load_core, arguments.seconds)
                sound &= result.sound
                served = result.right.total() / result.seconds
                ratios.append(served / plain)
                print(
                    f"round {number + 1}: {served:.1f} pictures a second served, {plain:.1f} bare: "
                    f"{ratios[-1]:.3f}; p50 {result.latency['50']:.0f} ms, "
                    f"p99 {result.latency['99']:.0f} ms"
                )
    if ratios:
        print(f"throughput: {statistics.median(ratios):.3f} of the plain loop's (median)")
    sys.exit(not sound)


if __name__ == "__main__":
    main()
