"""A model of the seconds of a step, against a step measured; and what follows for large sets.

    python benchmarks/scale/model.py [--out FOLDER] [--small]

Measured are seconds to decode, to compute and to exchange gradients. They foretell the step of one
and of two processes, and epochs of ten and of a hundred million pictures.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from convlens.parallel import cores
from convlens.pictures.decode import decode
from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.hashing import Contents
from convlens.pictures.resize import Resizer
from convlens.pictures.shards.write import shard
from convlens.pictures.store import PixelStore

sys.path.insert(0, str(Path(__file__).parents[1]))
from scale.measurement import quiet, run_measurement
from scale.processes import train_side_by_side, train_together
from scale.sources import bandwidth, http_server, make_photographs
from shared.timing import seconds_of


def near_duplicates(count: int) -> float:
    """Seconds to look for near duplicates among so many pictures, all against all."""
    random = np.random.default_rng(count)
    pixels = random.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    digests = random.integers(0, 256, (count, 16)).astype(np.uint8)
    contents = Contents(np.zeros((count, 32), np.uint8), {})
    store = PixelStore(
        pixels,
        np.arange(count),
        digests=digests,
        sides=np.full(count, 32, np.int32),
        bad={},
        contents=contents,
        built=True,
    )
    return seconds_of(lambda: near_duplicate_clusters(store, quiet))


def model(home: Path, small: bool) -> dict[str, Any]:
    side, batch = 32 if small else 128, 128 if small else 256
    folder = make_photographs(home / "pictures", 50 if small else 300)
    data = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    resize = Resizer(side)
    decoding = seconds_of(lambda: [resize(decode(picture)) for picture in data]) / len(data)
    size = sum(map(len, data)) / len(data)
    sharded = shard(folder, home / "shards", megabytes=4)
    with http_server(sharded.folder) as address:
        bandwidth(address)  # the first time also loads what speaks HTTP
        rate = bandwidth(address)
    work = {"pictures": 4 * batch, "batch": batch, "side": side, "steps": 5 if small else 12}
    one, two = (train_together(count, home, work) for count in (1, 2))
    computing = one["seconds"] / batch
    beside = train_side_by_side(home, {**work, "batch": batch // 2})
    foretold = beside + two["exchange"]
    gradients = 4 * one["parameters"]
    fewer = 500 if small else 40_000
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CONVLENS_CACHE"] = cache
        half, whole = near_duplicates(fewer), near_duplicates(2 * fewer)
    pair = max(0.0, (whole - 2 * half) / (2 * fewer**2))  # of a n + b n²: what is more than linear
    print(
        f"decode and resize   {1e3 * decoding:8.3f} ms a picture of {size / 1e3:.0f} KB, one core"
    )
    print(f"compute             {1e3 * computing:8.3f} ms a picture of {side} × {side}, one core")
    exchange = f"{1e3 * two['exchange']:.2f} ms for two"
    print(f"gradients           {gradients / 1e6:8.3f} MB a step, {exchange}")
    print(f"near duplicates     {1e9 * pair:8.3f} ns × n², all cores of this machine")
    print(f"a stream of shards  {rate / 1e6:8.0f} MB/s, over HTTP on this machine")
    print(f"half of a step      {beside:8.3f} s, beside another process with the other half")
    print(
        f"a step of {batch}: {one['seconds']:.3f} s by one process, {two['seconds']:.3f} s by two;"
    )
    print(f"  foretold for two {foretold:.3f} s ({foretold / two['seconds'] - 1:+.0%})")
    figures = {"decode": decoding, "compute": computing, "bytes": size, "gradients": gradients}
    figures |= {"exchange": two["exchange"], "stream": rate, "one": one["seconds"]}
    figures |= {"pair": pair, "two": two["seconds"], "beside": beside, "foretold": foretold}
    print("\nmachines of 64 such cores, 25 Gbit/s between them and 1 GB/s each from the shards")
    print("   pictures  machines  first reading  near duplicates   store  an epoch  exchange")
    for pictures in (10_000_000, 100_000_000):
        for machines in (1, 8, 64):
            row = foretell(figures, pictures, machines, side)
            hours = {name: row[name] / 3600 for name in ("reading", "near", "epoch")}
            print(
                f"{pictures:11,} {machines:9} {hours['reading']:12.1f} h {hours['near']:14.1f} h "
                f"{row['store'] / 1e12:5.2f} TB {hours['epoch']:7.2f} h {row['share']:8.1%}"
            )
    return figures


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


if __name__ == "__main__":
    run_measurement(__doc__, model)
