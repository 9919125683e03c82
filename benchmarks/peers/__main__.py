"""convlens against others: the same pictures, size and network, on the same cores, in turns.

    python benchmarks/peers PICTURES [--size 128] [--epochs 5] [--rounds 3] [--passes 2]
        [--peers fastai ...] [--as-it-comes]

`PICTURES` is `cats-dogs` or `cifar10` unpacked. Makes an environment for each peer (once, in
`--home`, some gigabytes each) and two folders, `train` and `val`: of cats-dogs every fifth picture
is in `val`, of cifar10 its test pictures.

*Throughput*: trainings of one epoch and of `--passes` more over some of the pictures, of the peer
and of convlens in turns, each a process; the difference of the two times is that of those epochs
without what comes before and after them; what trains in seconds needs more of them. *Time to its
accuracy*: the peer trains its `--epochs` from random parameters; then convlens does, and gets a
fifth of the time that the peer's whole process took (what comes before and after training
included); and on request convlens as it comes, without any option, from the parameters that come
with it. `val` plays no part in any choice of convlens's.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from environments import PEERS, environment
from processes import ProcessReport, run

from shared.arguments import script_parser

HERE = Path(__file__).parent
TUTORIAL = (
    "conv 16 3x3 same, pool 2, conv 32 3x3 same, pool 2, conv 64 3x3 same, pool 2, dropout 0.2, "
    "dense 128"
)
NETWORKS = {"keras": TUTORIAL}
FEW = 1000
"""Pictures for measuring throughput."""
SHARE = 0.2
"""The part of a peer's time that convlens gets in all."""


def peer(name: str, python: Path, folder: Path, size: int, epochs: int) -> ProcessReport:
    """Train with a peer."""
    script = HERE / f"run_{name}.py"
    with tempfile.TemporaryDirectory() as where:
        words = [str(python), str(script), str(folder), str(size), str(epochs)]
        return run(words, Path(where))


def ours(folder: Path, *options: str) -> ProcessReport:
    """Train with convlens on the same pictures, `val` held out for the figures alone."""
    with tempfile.TemporaryDirectory() as text:
        where = Path(text)
        command = [sys.executable, "-m", "convlens", "train", str(folder), "--out", "run"]
        report = run([*command, *options], where)
        metrics = json.loads((where / "run" / "metrics.json").read_text())
        learnt = sum(metrics["pictures"]["train"].values())
        figures = {"accuracy": metrics["test"]["accuracy"], "learnt": learnt}
        report.lines.append((report.seconds, figures))
        return report


def link_splits(pictures: Path, home: Path) -> tuple[Path, Path]:
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
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())


def link_some(folder: Path, home: Path, held: str) -> tuple[Path, int]:
    """The same with `FEW` pictures to learn from and a tenth as many held out."""
    small = home / f"{folder.name}-some"
    if not small.exists():
        for split, most in (("train", FEW), (held, FEW // 10)):
            paths = sorted((folder / split).rglob("*.*"), key=lambda p: (p.name, p.parent.name))
            for path in paths[:: max(1, len(paths) // most)][:most]:
                link(path, small / split)
    return small, len(list((small / "train").rglob("*.*")))


def throughput(
    name: str,
    python: Path,
    theirs: Path,
    mine: Path,
    home: Path,
    *,
    size: int,
    rounds: int,
    passes: int,
) -> None:
    """Pictures a second in training, in turns."""
    few, count = link_some(theirs, home, "val")
    few_mine, _ = link_some(mine, home, "test")
    network = NETWORKS.get(name, "resnet18")
    rates: dict[str, list[float]] = {name: [], "convlens": []}
    for _ in range(rounds):
        for who, throughputs in rates.items():
            spent, learnt = [], count
            for epochs in (1, 1 + passes):
                if who == name:
                    report = peer(name, python, few, size, epochs)
                    spent.append(report.lines[-1][0])
                else:
                    words = ["--network", network, "--weights", "none", "--epochs", str(epochs)]
                    report = ours(few_mine, "--size", str(size), *words)
                    spent.append(report.seconds)
                    learnt = int(report.lines[-1][1]["learnt"])  # it holds a part out by itself
            throughputs.append(passes * learnt / (spent[1] - spent[0]))
    ratio = statistics.median(b / a for a, b in zip(rates[name], rates["convlens"], strict=True))
    shown = ", ".join(f"{who} {statistics.median(r):,.0f}" for who, r in rates.items())
    print(f"{name}: pictures/s in training {shown}: {ratio:.2f} times (median)", flush=True)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5, help="0: throughput alone [5]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--as-it-comes", action="store_true")
    parser.add_argument("--home", type=Path, default=Path.home() / ".cache" / "convlens-peers")
    arguments = parser.parse_args()
    arguments.home.mkdir(parents=True, exist_ok=True)
    theirs, mine = link_splits(arguments.pictures.resolve(), arguments.home.resolve())
    for name in arguments.peers:
        python = environment(name, arguments.home.resolve())
        if arguments.rounds:
            throughput(
                name,
                python,
                theirs,
                mine,
                arguments.home,
                size=arguments.size,
                rounds=arguments.rounds,
                passes=arguments.passes,
            )
        if not arguments.epochs:
            continue
        report = peer(name, python, theirs, arguments.size, arguments.epochs)
        first = report.lines[0][0]
        taken = report.lines[-1][0]
        print(
            f"{name}: {report.accuracy:.1%} after {taken:.0f} s ({arguments.epochs} epochs), first "
            f"figure after {first:.0f} s, {report.megabytes:,.0f} MB; by epoch: "
            + ", ".join(f"{line['accuracy']:.1%} at {at:.0f} s" for at, line in report.lines),
            flush=True,
        )
        minutes = SHARE * taken / 60
        words = ["--size", str(arguments.size), "--weights", "none", "--minutes", f"{minutes:.3f}"]
        print_report(name, f"from random parameters, in {60 * minutes:.0f} s", ours(mine, *words))
    if arguments.as_it_comes:
        print_report("convlens", "as it comes", ours(mine))


def print_report(name: str, how: str, report: ProcessReport) -> None:
    """What convlens reached beside a peer."""
    print(
        f"{name}: convlens, {how}: {report.accuracy:.1%} in {report.seconds:.0f} s, "
        f"{report.megabytes:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
