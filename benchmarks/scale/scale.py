"""What training costs beyond one machine, measured on this one, and what that foretells.

    python benchmarks/scale/scale.py curves|once|shards|memory|model [--out FOLDER] [--small]

- curves: J at each of 100 steps (gd, float32, one batch and seed), by one and by two processes.
- once: an epoch by two processes of which one is killed, resumed by one: how often each picture
  was seen by steps that count.
- shards: pictures a second into the pixel store, from a folder and from shards here, over HTTP and
  from an S3-compatible server (where `moto_server` is installed).
- memory: the peak of a process that lists and stores N pictures from shards, against N.
- model: seconds to decode, to compute, to exchange gradients; the step that they foretell for one
  and two processes against the step measured; and epochs of ten and a hundred million pictures.

Each process computes on one thread, so that two processes have twice what one has. Parts print
tables; `--out` keeps the figures as JSON. `--small` only shows that all of it works.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from convlens.parallel import cores
from convlens.pictures.catalog import read_catalog
from convlens.pictures.decode import decode
from convlens.pictures.hashing import Contents
from convlens.pictures.near_duplicates import near_duplicate_clusters
from convlens.pictures.resize import Resizer
from convlens.pictures.shards.find import find_shards
from convlens.pictures.shards.stream import Stream
from convlens.pictures.shards.urls import filesystem
from convlens.pictures.shards.write import shard
from convlens.pictures.store import PixelStore, open_store


def quiet(*_: object) -> None:
    pass


def command(processes: int, asked: dict[str, Any]) -> list[str]:
    own = [str(Path(__file__).with_name("process.py")), json.dumps(asked)]
    if processes == 1:
        return [sys.executable, *own]
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *start, *own]


def groups(processes: int, home: Path, **asked: Any) -> dict[str, Any]:
    """What so many processes found."""
    answer = home / f"answer-{processes}.json"
    subprocess.run(command(processes, {**asked, "answer": str(answer)}), check=True)
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


def side_by_side(home: Path, asked: dict[str, Any]) -> float:
    """Seconds of a step of each of two processes that know nothing of each other."""
    answers = [home / f"beside-{number}.json" for number in range(2)]
    started = [subprocess.Popen(command(1, {**asked, "answer": str(one)})) for one in answers]
    assert all(process.wait() == 0 for process in started)
    return float(np.mean([json.loads(one.read_text())["seconds"] for one in answers]))


def curves(home: Path, small: bool) -> dict[str, Any]:
    size = {"pictures": 400, "batch": 128, "side": 16, "steps": 10 if small else 100}
    one, two = (groups(count, home, **size)["costs"] for count in (1, 2))
    gap = max(abs(a - b) for a, b in zip(one, two, strict=True))
    print("step    J of one    J of two    difference")
    for step in range(0, len(one), max(1, len(one) // 20)):
        print(f"{step:4}  {one[step]:10.6f}  {two[step]:10.6f}  {two[step] - one[step]:12.1e}")
    print(f"largest difference in {len(one)} steps: {gap:.1e}")
    return {"one": one, "two": two, "largest_difference": gap}


def once(home: Path, small: bool) -> dict[str, Any]:
    steps = 20 if small else 100
    size = {"pictures": 128 * steps, "batch": 128, "side": 16, "steps": steps, "every": 5}
    asked = {**size, "folder": str(home / "run"), "answer": str(home / "end.json")}
    first = {**asked, "log": str(home / "first")}
    with subprocess.Popen(command(2, first), stderr=subprocess.DEVNULL) as process:
        log = home / "first.1"
        while not log.exists() or len(log.read_text().splitlines()) < steps // 2:
            assert process.poll() is None
            time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        process.wait()
    second = {**asked, "log": str(home / "second")}
    subprocess.run(command(1, second), check=True)
    begun = json.loads((home / "end.json").read_text())["begun"]
    seen: Counter[str] = Counter()
    reached = 0
    for path in home.glob("*.[01]"):
        for line in path.read_text().splitlines():
            step, *pictures = line.split()
            if path.name.startswith("first"):
                reached = max(reached, int(step) + 1)
            if (int(step) < begun) == path.name.startswith("first"):
                seen.update(pictures)
    often = Counter(seen.values())
    print(f"killed after step {reached} of {steps}; resumed after step {begun} by one process")
    print(f"pictures by how often steps that count saw them: {dict(often)} of {len(seen):,}")
    assert set(seen) == {f"0:{n}" for n in range(size["pictures"])}
    assert set(often) == {1}
    return {"killed_at": reached, "resumed_at": begun, "pictures": len(seen), "often": dict(often)}


def photographs(folder: Path, count: int, side: int = 256) -> Path:
    """JPEG pictures of a photograph's bytes and detail: smoothed noise in two classes."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 256, (side // 8, side // 8, 3)).astype(np.uint8)
        fine = random.integers(0, 48, (side, side, 3)).astype(np.uint8)
        large = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
        path = folder / ("a", "b")[number % 2] / f"{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((large // 4 * 3 + fine).astype(np.uint8)).save(path, quality=90)
    return folder


@contextmanager
def http(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def bucket(folder: Path) -> Iterator[str | None]:
    """The shards on an S3-compatible server; None where none is installed."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("moto_server", path=beside)
    if program is None:
        yield None
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as free:
        port = str(free.server_port)
    os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "made"}
    os.environ |= {"AWS_REGION": "us-east-1"}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, "-p", port], **silent) as server:  # type: ignore[call-overload]
        try:
            for _ in range(600):
                try:
                    httpx.put(f"http://127.0.0.1:{port}/made").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            system, path = filesystem("s3://made/shards")
            for file in folder.iterdir():
                system.pipe_file(f"{path}/{file.name}", file.read_bytes())
            yield "s3://made/shards"
        finally:
            server.terminate()


def clock(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def bandwidth(place: str) -> float:
    """Bytes a second of the shards at a place, read as streams one after the other."""
    total, begin = 0, time.perf_counter()
    for one, _ in find_shards(place) or []:
        with Stream(one) as stream:
            while part := stream.read(1 << 20):
                total += len(part)
    return total / (time.perf_counter() - begin)


def shards(home: Path, small: bool) -> dict[str, Any]:
    count = 200 if small else 4000
    folder = photographs(home / "pictures", count)
    made = shard(folder, home / "shards", megabytes=2 if small else 32)
    size = sum(path.stat().st_size for path in folder.rglob("*.jpg")) / count
    print(f"{count:,} JPEG pictures of 256 × 256, {size / 1e3:.0f} KB each, stored at 128 × 128")
    found: dict[str, Any] = {"pictures": count, "bytes": size}
    with http(made.folder) as address, bucket(made.folder) as store:
        for name, place in (
            ("folder", str(folder)),
            ("shards here", str(made.folder)),
            ("shards over HTTP", address),
            ("shards from S3", store),
        ):
            if place is None:
                print(f"{name:17} not measured: moto_server is not installed")
                continue
            with tempfile.TemporaryDirectory() as cache:
                os.environ["CONVLENS_CACHE"] = cache
                listing = clock(lambda: read_catalog(place))  # noqa: B023
                catalog = read_catalog(place)
                storing = clock(lambda: open_store(catalog, 128, progress=quiet))  # noqa: B023
            rate = bandwidth(place) if name != "folder" else None
            found[name] = {"list": listing, "store": storing, "bandwidth": rate}
            print(
                f"{name:17} listed in {listing:6.2f} s, stored in {storing:6.2f} s: "
                f"{count / (listing + storing):7,.0f} pictures/s in all"
                + (f"; a stream alone {rate / 1e6:7,.0f} MB/s" if rate else "")
            )
    return found


STORED = """
import json, resource, sys
from convlens.pictures.catalog import read_catalog
from convlens.pictures.store import open_store
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
catalog = read_catalog(sys.argv[1])
listed = peak()
open_store(catalog, 32, lambda *_: None)
print(json.dumps({"listed": listed, "peak": peak()}))
"""


def memory(home: Path, small: bool) -> dict[str, Any]:
    counts = (100, 300) if small else (1_000, 4_000, 16_000, 64_000)
    found: dict[str, Any] = {}
    for count in counts:
        folder = photographs(home / f"p{count}", count, 64)
        made = shard(folder, home / f"s{count}", megabytes=1 if small else 16)
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "CONVLENS_CACHE": cache}
            own = [sys.executable, "-c", STORED, str(made.folder)]
            said = subprocess.run(own, check=True, capture_output=True, text=True, env=environment)
        found[str(count)] = json.loads(said.stdout)
        listed, peak = found[str(count)]["listed"], found[str(count)]["peak"]
        print(f"{count:7,} pictures: {listed:7.1f} MB once listed, peak {peak:7.1f} MB")
    least, most = (found[str(count)]["listed"] for count in (counts[0], counts[-1]))
    each = 1e6 * (most - least) / (counts[-1] - counts[0])
    print(f"the list of pictures takes {each:,.0f} bytes for each")
    return {**found, "bytes_each": each}


def near_duplicates(count: int) -> float:
    """Seconds to look for near duplicates among so many pictures, all against all."""
    random = np.random.default_rng(count)
    pixels = random.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    digests = random.integers(0, 256, (count, 16)).astype(np.uint8)
    contents = Contents(np.zeros((count, 32), np.uint8), {})
    made = PixelStore(
        pixels, np.arange(count), digests=digests, bad={}, contents=contents, built=True
    )
    return clock(lambda: near_duplicate_clusters(made, quiet))


def model(home: Path, small: bool) -> dict[str, Any]:
    side, batch = 32 if small else 128, 128 if small else 256
    folder = photographs(home / "pictures", 50 if small else 300)
    data = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    resize = Resizer(side)
    decoding = clock(lambda: [resize(decode(one)) for one in data]) / len(data)
    size = sum(map(len, data)) / len(data)
    made = shard(folder, home / "shards", megabytes=4)
    with http(made.folder) as address:
        bandwidth(address)  # the first time also loads what speaks HTTP
        rate = bandwidth(address)
    asked = {"pictures": 4 * batch, "batch": batch, "side": side, "steps": 5 if small else 12}
    one, two = (groups(count, home, **asked) for count in (1, 2))
    computing = one["seconds"] / batch
    beside = side_by_side(home, {**asked, "batch": batch // 2})
    foretold = beside + two["exchange"]
    sent = 4 * one["parameters"]
    few = 500 if small else 40_000
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CONVLENS_CACHE"] = cache
        half, whole = near_duplicates(few), near_duplicates(2 * few)
    pair = max(0.0, (whole - 2 * half) / (2 * few**2))  # of a n + b n²: what is more than linear
    print(
        f"decode and resize   {1e3 * decoding:8.3f} ms a picture of {size / 1e3:.0f} KB, one core"
    )
    print(f"compute             {1e3 * computing:8.3f} ms a picture of {side} × {side}, one core")
    print(
        f"gradients           {sent / 1e6:8.3f} MB a step, {1e3 * two['exchange']:.2f} ms for two"
    )
    print(f"near duplicates     {1e9 * pair:8.3f} ns × n², all cores of this machine")
    print(f"a stream of shards  {rate / 1e6:8.0f} MB/s, over HTTP on this machine")
    print(f"half of a step      {beside:8.3f} s, beside another process with the other half")
    print(
        f"a step of {batch}: {one['seconds']:.3f} s by one process, {two['seconds']:.3f} s by two;"
    )
    print(f"  foretold for two {foretold:.3f} s ({foretold / two['seconds'] - 1:+.0%})")
    found = {"decode": decoding, "compute": computing, "bytes": size, "gradients": sent}
    found |= {"exchange": two["exchange"], "stream": rate, "one": one["seconds"]}
    found |= {"pair": pair, "two": two["seconds"], "beside": beside, "foretold": foretold}
    print("\nmachines of 64 such cores, 25 Gbit/s between them and 1 GB/s each from the shards")
    print("   pictures  machines  first reading  near duplicates   store  an epoch  exchange")
    for pictures in (10_000_000, 100_000_000):
        for machines in (1, 8, 64):
            row = foretell(found, pictures, machines, side)
            hours = {name: row[name] / 3600 for name in ("reading", "near", "epoch")}
            print(
                f"{pictures:11,} {machines:9} {hours['reading']:12.1f} h {hours['near']:14.1f} h "
                f"{row['store'] / 1e12:5.2f} TB {hours['epoch']:7.2f} h {row['share']:8.1%}"
            )
    return found


def foretell(
    measured: dict[str, float],
    pictures: int,
    machines: int,
    side: int,
    per_machine: int = 64,
    between: float = 25e9 / 8,
    shards: float = 1e9,
    groups: int = 4,
    delay: float = 100e-6,
) -> dict[str, float]:
    """Seconds of the first reading and of an epoch, by the model of docs/scale.md.

    Each core computes `groups` groups of 64 pictures of every step. Each machine lists the shards
    and then stores them: twice through its link, and every picture decoded once.
    """
    workers = machines * per_machine
    reading = pictures * (
        measured["bytes"] / shards
        + max(measured["bytes"] / shards, measured["decode"] / per_machine)
    )
    step = groups * 64 * measured["compute"]
    # a ring over machines: every byte but one machine's share goes out and comes back
    ring = 2 * (machines - 1) / machines * measured["gradients"] / between
    exchange = ring + 2 * (machines - 1) * delay + measured["exchange"]
    steps = pictures / (workers * groups * 64)
    return {
        "reading": reading,
        "near": pictures**2 * measured["pair"] * cores() / per_machine,
        "store": float(pictures * side * side * 3),
        "epoch": steps * (step + exchange),
        "share": exchange / (step + exchange),
    }


PARTS = {"curves": curves, "once": once, "shards": shards, "memory": memory, "model": model}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # in every process, as torchrun would set it for several
    with tempfile.TemporaryDirectory() as home:
        found = PARTS[asked.part](Path(home), asked.small)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / f"{asked.part}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
