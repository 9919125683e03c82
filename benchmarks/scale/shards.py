"""Pictures a second into the pixel store: from a folder and from shards.

    python benchmarks/scale/shards.py [--out FOLDER] [--small]

Shards are read here, over HTTP, and from an S3-compatible server on this machine where
`moto_server` is installed.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from convlens.pictures.read import read_catalog
from convlens.pictures.shards.write import shard
from convlens.pictures.store import open_store

sys.path.insert(0, str(Path(__file__).parents[1]))
from scale.measurement import quiet, run_measurement
from scale.sources import bandwidth, http_server, make_photographs, s3_server
from shared.timing import seconds_of


def shards(home: Path, small: bool) -> dict[str, Any]:
    count = 200 if small else 4000
    folder = make_photographs(home / "pictures", count)
    sharded = shard(folder, home / "shards", megabytes=2 if small else 32)
    size = sum(path.stat().st_size for path in folder.rglob("*.jpg")) / count
    print(f"{count:,} JPEG pictures of 256 × 256, {size / 1e3:.0f} KB each, stored at 128 × 128")
    figures: dict[str, Any] = {"pictures": count, "bytes": size}
    with http_server(sharded.folder) as address, s3_server(sharded.folder) as store:
        for name, url in (
            ("folder", str(folder)),
            ("shards here", str(sharded.folder)),
            ("shards over HTTP", address),
            ("shards from S3", store),
        ):
            if url is None:
                print(f"{name:17} not measured: moto_server is not installed")
                continue
            with tempfile.TemporaryDirectory() as cache:
                os.environ["CONVLENS_CACHE"] = cache
                listing = seconds_of(lambda: read_catalog(url))  # noqa: B023
                catalog = read_catalog(url)
                storing = seconds_of(lambda: open_store(catalog, 128, progress=quiet))  # noqa: B023
            rate = bandwidth(url) if name != "folder" else None
            figures[name] = {"list": listing, "store": storing, "bandwidth": rate}
            print(
                f"{name:17} listed in {listing:6.2f} s, stored in {storing:6.2f} s: "
                f"{count / (listing + storing):7,.0f} pictures/s in all"
                + (f"; a stream alone {rate / 1e6:7,.0f} MB/s" if rate else "")
            )
    return figures


if __name__ == "__main__":
    run_measurement(__doc__, shards)
