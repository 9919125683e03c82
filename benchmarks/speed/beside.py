"""Training steps beside other work, by how OpenMP's threads wait for each other.

    python benchmarks/speed/beside.py [--network resnet18] [--size 64] [--rounds 3]

Three ways: `spinning`, as OpenMP waits by default; `sleeping`, with OMP_WAIT_POLICY=passive; and as
convlens has it, which changes from one to the other. Each has a process of its own, which takes
training steps when it is told to. They take turns, beside no, one and two processes that do nothing
but compute. So that the way that changes has noticed, a turn's first two seconds do not count.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser

WAYS = ("spinning", "sleeping", "convlens")
CLASSES = 10
WARMUP = 2.0
"""Seconds at the beginning of a turn that do not count."""


def work(options: argparse.Namespace) -> None:
    """Take steps whenever a line comes, and answer with pictures a second."""
    from convlens.engine.compute.spinning import considerate_threads
    from convlens.network.named import describe_network, line_of
    from convlens.options import EXECUTION_CONFIGS
    from convlens.speed.training import training_speed
    from convlens.transfer.pretrained import NetworkChoice

    size, batch = options.size, options.batch
    line = line_of(options.network, size, pictures=1000)
    loop = training_speed(
        NetworkChoice(describe_network(line, size, classes=CLASSES).text, "none").module(
            size, classes=CLASSES
        ),
        size,
        classes=CLASSES,
        batch=batch,
        configs=[EXECUTION_CONFIGS["float32-last"]],
        threads=options.threads,
    ).loop
    print("ready", flush=True)
    with ExitStack() as stack:
        if options.way == "convlens":
            stack.enter_context(considerate_threads())
        for _ in sys.stdin:
            for seconds in (WARMUP, options.seconds):
                begun, steps = time.perf_counter(), 0
                while time.perf_counter() - begun < seconds:
                    loop.train_step(0)
                    steps += 1
            print(steps * batch / (time.perf_counter() - begun), flush=True)


@contextmanager
def at_work(way: str) -> Iterator[subprocess.Popen[str]]:
    """A process of this script that is ready to take steps."""
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    if way == "sleeping":
        environment["OMP_WAIT_POLICY"] = "passive"
    with subprocess.Popen(
        [sys.executable, *sys.argv, "--way", way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def rate(process: subprocess.Popen[str]) -> float:
    """Pictures a second of one turn."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Within it, so many processes compute."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=5.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        work(options)
        return
    rates: dict[tuple[int, str], list[float]] = {}
    with ExitStack() as stack:
        processes = {way: stack.enter_context(at_work(way)) for way in WAYS}
        for _, others in itertools.product(range(options.rounds), options.beside):
            with busy(others):
                for way, process in processes.items():
                    rates.setdefault((others, way), []).append(rate(process))
    print(f"{options.network}, {options.size} pixels, {options.batch} pictures a step: pictures/s")
    print(f"{'beside':>8}" + "".join(way.rjust(24) for way in WAYS))
    for others in options.beside:
        print(f"{others:8}", end="")
        for way in WAYS:
            turns = rates[others, way]
            told = f"{statistics.median(turns):.1f} ({min(turns):.1f} to {max(turns):.1f})"
            print(told.rjust(24), end="")
        print(flush=True)


if __name__ == "__main__":
    main()
