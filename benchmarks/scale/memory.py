"""The peak memory of a process that lists and stores N pictures from shards, against N.

python benchmarks/scale/memory.py [--out FOLDER] [--small]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from convlens.pictures.shards.write import shard

sys.path.insert(0, str(Path(__file__).parents[1]))
from scale.measurement import run_measurement
from scale.sources import make_photographs

STORED = """
import json, sys
from pathlib import Path
from convlens.pictures.read import read_catalog
from convlens.pictures.store import open_store
status = Path("/proc/self/status")  # getrusage tells the peak of the process that began it, too
peak = lambda: int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
catalog = read_catalog(sys.argv[1])
listed = peak()
open_store(catalog, 32, progress=lambda *_: None)
print(json.dumps({"listed": listed, "peak": peak()}))
"""


def memory(home: Path, small: bool) -> dict[str, Any]:
    counts = (100, 300) if small else (1_000, 4_000, 16_000, 64_000)
    figures: dict[str, Any] = {}
    for count in counts:
        folder = make_photographs(home / f"p{count}", count, 64)
        sharded = shard(folder, home / f"s{count}", megabytes=1 if small else 16)
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "CONVLENS_CACHE": cache}
            command = [sys.executable, "-c", STORED, str(sharded.folder)]
            process = subprocess.run(
                command, check=True, capture_output=True, text=True, env=environment
            )
        figures[str(count)] = json.loads(process.stdout)
        listed, peak = figures[str(count)]["listed"], figures[str(count)]["peak"]
        print(f"{count:7,} pictures: {listed:7.1f} MB once listed, peak {peak:7.1f} MB")
    least, most = (figures[str(count)]["listed"] for count in (counts[0], counts[-1]))
    each = 1e6 * (most - least) / (counts[-1] - counts[0])
    print(f"the list of pictures takes {each:,.0f} bytes for each")
    return {**figures, "bytes_each": each}


if __name__ == "__main__":
    run_measurement(__doc__, memory)
