"""convlens against others: the same pictures, side and network, on the same cores, in turns.

    python benchmarks/peers PICTURES [--size 128] [--epochs 5] [--rounds 3] [--peers fastai ...]
        [--as-it-comes]

`PICTURES` is `cats-dogs` or `cifar10` unpacked. Makes an environment for each peer (once, in
`--home`, some gigabytes each) and two folders, `train` and `val`: of cats-dogs every fifth picture
is in `val`, of cifar10 its test pictures.

*Throughput*: trainings of one and of three epochs over some of the pictures, of the peer and of
convlens in turns, each a process; the difference of the two times is two epochs without what comes
before and after them. *Time to its accuracy*: the peer trains its `--epochs` from random
parameters; then convlens does, and gets a fifth of the time that the peer's whole process took
(what comes before and after training included); and on request convlens as it comes, without any
option, from the parameters that come with it. `val` plays no part in any choice of convlens's.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TORCH = ["torch==2.14.1", "torchvision==0.29.1"]
PEERS = {
    "fastai": ["fastai", *TORCH],
    "timm": ["timm", *TORCH],
    "ultralytics": ["ultralytics", *TORCH],
    "keras": ["keras", "tensorflow-cpu", "pillow"],
}
TUTORIAL = (
    "conv 16 3x3 same, pool 2, conv 32 3x3 same, pool 2, conv 64 3x3 same, pool 2, dropout 0.2, "
    "dense 128"
)
NETWORKS = {"keras": TUTORIAL}
FEW = 1000
"""Pictures for measuring throughput."""
SHARE, BEFORE_AND_AFTER, LEAST = 0.2, 25.0, 5.0
"""The part of a peer's time that convlens gets in all; seconds of it that do not go into training;
and seconds of training at least."""


@dataclass
class Told:
    """What a process did: seconds to each of its lines, the most memory of all its processes."""

    seconds: float = 0.0
    megabytes: float = 0.0
    lines: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """The last one told."""
        return next((told["accuracy"] for _, told in reversed(self.lines)), float("nan"))


def environment(name: str, home: Path) -> Path:
    """The peer's own Python."""
    folder = home / name
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making an environment for {name} ...", flush=True)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PEERS[name]]
        subprocess.run(command, check=True)
        (folder / "made").touch()
    return python


def proportional(process: int) -> float:
    """Megabytes of all processes of a session, shared pages counted once."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(stat.read_text().rpartition(")")[2].split()[3])
            if session == process:
                rollup = (stat.parent / "smaps_rollup").read_text()
                total += int(rollup.partition("\nPss:")[2].split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total / 1000


def run(command: list[str], where: Path) -> Told:
    """Run a process to its end, in a folder of its own."""
    told = Told()
    begun = time.perf_counter()
    with (
        (where / "log").open("w") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=where,
            start_new_session=True, env={**os.environ, "CONVLENS_CACHE": str(where / "cache")},
        ) as process,
    ):  # fmt: skip
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                told.megabytes = max(told.megabytes, proportional(process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"epoch"'):
                told.lines.append((time.perf_counter() - begun, json.loads(line)))
        process.wait()
        told.seconds = time.perf_counter() - begun
        ended.set()
        watching.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{(where / 'log').read_text()[-2000:]}")
    return told


def peer(name: str, python: Path, folder: Path, size: int, epochs: int) -> Told:
    """Train with a peer."""
    script = HERE / f"run_{name}.py"
    with tempfile.TemporaryDirectory() as where:
        words = [str(python), str(script), str(folder), str(size), str(epochs)]
        return run(words, Path(where))


def ours(folder: Path, *options: str) -> Told:
    """Train with convlens on the same pictures, `val` held out for the figures alone."""
    with tempfile.TemporaryDirectory() as text:
        where = Path(text)
        command = [sys.executable, "-m", "convlens", "train", str(folder), "--out", "run"]
        told = run([*command, *options], where)
        metrics = json.loads((where / "run" / "metrics.json").read_text())
        told.lines.append((told.seconds, {"accuracy": metrics["test"]["accuracy"]}))
        return told


def sides(pictures: Path, home: Path) -> tuple[Path, Path]:
    """The pictures as `train` and `val`, for convlens `train` and `test`: links to the same."""
    given = pictures / "train", pictures / "test"
    theirs, mine = home / f"{pictures.name}-peers", home / f"{pictures.name}-convlens"
    if theirs.exists():
        return theirs, mine
    for number, path in enumerate(
        sorted((pictures / "train" if given[0].is_dir() else pictures).rglob("*.*"))
    ):
        held = not given[0].is_dir() and number % 5 == 0
        link(path, theirs / ("val" if held else "train"), mine / ("test" if held else "train"))
    if given[1].is_dir():
        for path in sorted(given[1].rglob("*.*")):
            link(path, theirs / "val", mine / "test")
    return theirs, mine


def link(path: Path, *folders: Path) -> None:
    """The same file under a folder for its class."""
    for folder in folders:
        place = folder / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())


def some(folder: Path, home: Path, held: str) -> tuple[Path, int]:
    """The same with `FEW` pictures to learn from and a tenth as many held out."""
    small = home / f"{folder.name}-some"
    if not small.exists():
        for side, most in (("train", FEW), (held, FEW // 10)):
            paths = sorted((folder / side).rglob("*.*"), key=lambda p: (p.name, p.parent.name))
            for path in paths[:: max(1, len(paths) // most)][:most]:
                link(path, small / side)
    return small, len(list((small / "train").rglob("*.*")))


def throughput(
    name: str, python: Path, theirs: Path, mine: Path, home: Path, size: int, rounds: int
) -> None:
    """Pictures a second in training, in turns."""
    few, count = some(theirs, home, "val")
    few_mine, _ = some(mine, home, "test")
    network = NETWORKS.get(name, "resnet18")
    rates: dict[str, list[float]] = {name: [], "convlens": []}
    for _ in range(rounds):
        for who, seen in rates.items():
            spent = []
            for epochs in (1, 3):
                if who == name:
                    told = peer(name, python, few, size, epochs)
                    spent.append(told.lines[-1][0])
                else:
                    words = ["--network", network, "--weights", "none", "--epochs", str(epochs)]
                    spent.append(ours(few_mine, "--size", str(size), *words).seconds)
            seen.append(2 * count / (spent[1] - spent[0]))
    ratio = statistics.median(b / a for a, b in zip(rates[name], rates["convlens"], strict=True))
    told_rates = ", ".join(f"{who} {statistics.median(r):,.0f}" for who, r in rates.items())
    print(f"{name}: pictures/s in training {told_rates}: {ratio:.2f} times (median)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--as-it-comes", action="store_true")
    parser.add_argument("--home", type=Path, default=Path.home() / ".cache" / "convlens-peers")
    asked = parser.parse_args()
    asked.home.mkdir(parents=True, exist_ok=True)
    theirs, mine = sides(asked.pictures.resolve(), asked.home.resolve())
    for name in asked.peers:
        python = environment(name, asked.home.resolve())
        if asked.rounds:
            throughput(name, python, theirs, mine, asked.home, asked.size, asked.rounds)
        told = peer(name, python, theirs, asked.size, asked.epochs)
        first = told.lines[0][0]
        taken = told.lines[-1][0]
        print(
            f"{name}: {told.accuracy:.1%} after {taken:.0f} s ({asked.epochs} epochs), first "
            f"figure after {first:.0f} s, {told.megabytes:,.0f} MB; by epoch: "
            + ", ".join(f"{line['accuracy']:.1%} at {at:.0f} s" for at, line in told.lines),
            flush=True,
        )
        minutes = max(LEAST, SHARE * taken - BEFORE_AND_AFTER) / 60
        words = ["--size", str(asked.size), "--weights", "none", "--minutes", f"{minutes:.3f}"]
        tell(name, f"from random parameters, {60 * minutes:.0f} s of training", ours(mine, *words))
    if asked.as_it_comes:
        tell("convlens", "as it comes", ours(mine))


def tell(name: str, how: str, own: Told) -> None:
    """What convlens did beside a peer."""
    print(
        f"{name}: convlens, {how}: {own.accuracy:.1%} in {own.seconds:.0f} s, "
        f"{own.megabytes:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
