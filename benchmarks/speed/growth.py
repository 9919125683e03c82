"""What a picture costs, and what memory it takes, as there are more of them.

    python benchmarks/speed/growth.py PICTURES [--counts 2000 10000 50000] [--steps 150]
    python benchmarks/speed/growth.py PICTURES --frozen 64

Trains `--preset quick` for so many steps on that many of the pictures in `PICTURES` (a folder per
class), one process each, and tells the pictures a second of its steps, the share of the time that
they wait for pixels, and the most anonymous memory (RssAnon): pages that the system cannot give
back.

With `--frozen SIDE` it makes what comes by default before fine-tuning: a head on the features of
pretrained backbones, of pictures of this side, in a file that is proven and judged. It tells the
milliseconds that each part takes for a picture.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from convlens.engine.compute.execution import processor
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


def train_and_watch(pictures: Path, home: Path, options: list[str]) -> float:
    """Train, and give the most megabytes of anonymous memory meanwhile."""
    command = [sys.executable, "-m", "convlens", "train", str(pictures)]
    most = 0.0
    with subprocess.Popen(
        [*command, *options, "--out", str(home / "run")],
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


def events_of(run: Path) -> list[dict[str, Any]]:
    """What a run noted as it went."""
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def in_training(events: list[dict[str, Any]]) -> str:
    """Pictures a second, and the share of the time that steps wait for pixels."""
    measured = [event for event in events if event["event"] == "measure"]
    best = max(event["pictures_per_second"] for event in measured)
    return f"{best:,.0f} pictures/s in training, {measured[-1]['waiting']:.1%} waiting for pixels"


def by_part(events: list[dict[str, Any]], count: int) -> str:
    """Milliseconds a picture, of all and of each part, the longest first."""
    seconds: dict[str, float] = events[-1]["seconds"]
    parts = sorted(seconds.items(), key=lambda part: -part[1])
    each = ", ".join(f"{name} {1000 * value / count:.2f}" for name, value in parts)
    return f"{1000 * sum(seconds.values()) / count:.2f} ms a picture: {each}"


def main() -> None:
    """A line for each number of pictures."""
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[2000, 10_000, 50_000])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument(
        "--frozen", type=int, metavar="SIDE", help="the default way, not fine-tuned"
    )
    options = parser.parse_args()
    print(processor())
    for count in options.counts:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            pictures = link_pictures(options.pictures, home / "pictures", count=count)
            quick = ["--size", "32", "--preset", "quick", "--steps", str(options.steps)]
            frozen = ["--size", str(options.frozen), "--steps", "0"]
            begin = time.perf_counter()
            most = train_and_watch(pictures, home, frozen if options.frozen else quick)
            seconds = time.perf_counter() - begin
            events = events_of(home / "run")
            told = by_part(events, count) if options.frozen else in_training(events)
            print(f"{count:7,} pictures  {seconds:5.0f} s  {most:6,.0f} MB  {told}", flush=True)


if __name__ == "__main__":
    main()
