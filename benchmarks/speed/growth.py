"""What a picture costs, and what memory it takes, as there are more of them.

    python benchmarks/speed/growth.py PICTURES [--counts 2000 10000 50000] [--steps 150]

Trains `--preset quick` for so many steps on that many of the pictures in `PICTURES` (a folder per
class), one process each, and tells the pictures a second of its steps, the time to store a picture,
and the most anonymous memory (RssAnon): pages that the system cannot give back.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def anonymous(process: int) -> float:
    """Megabytes of a process that are no file's."""
    text = Path(f"/proc/{process}/status").read_text()
    return float(text.partition("RssAnon:")[2].split()[0]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 10_000, 50_000])
    parser.add_argument("--steps", type=int, default=150)
    asked = parser.parse_args()
    classes = sorted(path for path in asked.pictures.iterdir() if path.is_dir())
    print(
        "  pictures   all seconds   pictures/s in training   waiting for pixels   RssAnon at most"
    )
    for count in asked.counts:
        with tempfile.TemporaryDirectory() as text:
            home = Path(text)
            for folder in classes:
                (home / "pictures" / folder.name).mkdir(parents=True)
                for path in sorted(folder.iterdir())[: count // len(classes)]:
                    (home / "pictures" / folder.name / path.name).symlink_to(path.resolve())
            command = [sys.executable, "-m", "convlens", "train", str(home / "pictures")]
            options = ["--preset", "quick", "--steps", str(asked.steps), "--out", str(home / "run")]
            most, begun = 0.0, time.perf_counter()
            with subprocess.Popen(
                [*command, *options, "--size", "32"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "CONVLENS_CACHE": str(home / "cache")},
            ) as process:
                while process.poll() is None:
                    try:
                        most = max(most, anonymous(process.pid))
                    except (OSError, IndexError, ValueError):
                        break
                    time.sleep(0.1)
            seconds = time.perf_counter() - begun
            lines = (home / "run" / "events.jsonl").read_text().splitlines()
            measured = [json.loads(line) for line in lines if '"measure"' in line]
            best = max(one["pictures_per_second"] for one in measured)
            waiting = measured[-1]["waiting"]
            print(f"{count:10,} {seconds:12.0f} {best:22,.0f} {waiting:19.1%} {most:13,.0f} MB")


if __name__ == "__main__":
    main()
