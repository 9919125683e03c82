"""What a picture costs, and what memory it takes, as there are more of them.

    python benchmarks/speed/growth.py PICTURES [--counts 2000 10000 50000] [--steps 150]

Trains `--preset quick` for so many steps on that many of the pictures in `PICTURES` (a folder per
class), one process each, and tells the pictures a second of its steps, the time to store a picture,
and the most anonymous memory (RssAnon): pages that the system cannot give back.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser


def anonymous(process: int) -> float:
    """Megabytes of a process that are no file's."""
    text = Path(f"/proc/{process}/status").read_text()
    return float(text.partition("RssAnon:")[2].split()[0]) / 1000


def link_pictures(folder: Path, into: Path, *, count: int) -> Path:
    """So many of the pictures, the same number of each class, as links."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    for label in classes:
        (into / label.name).mkdir(parents=True)
        for path in sorted(label.iterdir())[: count // len(classes)]:
            (into / label.name / path.name).symlink_to(path.resolve())
    return into


def train_and_watch(pictures: Path, home: Path, *, steps: int) -> float:
    """Train, and give the most megabytes of anonymous memory meanwhile."""
    command = [sys.executable, "-m", "convlens", "train", str(pictures), "--size", "32"]
    options = ["--preset", "quick", "--steps", str(steps), "--out", str(home / "run")]
    most = 0.0
    with subprocess.Popen(
        [*command, *options],
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
    return most


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 10_000, 50_000])
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    print(
        "  pictures   all seconds   pictures/s in training   waiting for pixels   RssAnon at most"
    )
    for count in options.counts:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            pictures = link_pictures(options.pictures, home / "pictures", count=count)
            begin = time.perf_counter()
            most = train_and_watch(pictures, home, steps=options.steps)
            seconds = time.perf_counter() - begin
            lines = (home / "run" / "events.jsonl").read_text().splitlines()
            events = [json.loads(line) for line in lines if '"measure"' in line]
            best = max(event["pictures_per_second"] for event in events)
            waiting = events[-1]["waiting"]
            print(f"{count:10,} {seconds:12.0f} {best:22,.0f} {waiting:19.1%} {most:13,.0f} MB")


if __name__ == "__main__":
    main()
