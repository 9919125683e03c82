"""`convlens predict --isolate`: a detector in a process whose memory and time are limited."""

import argparse
import os
import sys

from ..errors import ConvlensError

MEMORY = 4 << 30
"""Bytes that the child may use."""
SECONDS = 60
"""How long it may be silent."""
LIMITED = (
    "import resource, sys\n"
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
    "from convlens.cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


def run_isolated(args: argparse.Namespace) -> int:
    """The same command in a child whose memory and time are limited; what it prints is passed on.

    Raises `ConvlensError` where the child crashes, or is silent for too long.
    """
    import selectors
    import subprocess
    from importlib.util import find_spec

    if find_spec("resource") is None:  # on Windows
        raise ConvlensError(
            "--isolate needs limits on a process that this system does not have: run it under "
            "Linux or macOS, or in a container"
        )

    # nothing of the folder in which somebody stands is imported
    command = [sys.executable, "-P", "-u", "-c", LIMITED, "predict", "--top", str(args.top)]
    command += [f"--{form}" for form in ("json", "csv") if getattr(args, form)]
    command += ["--", args.detector, *args.paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: S603
        assert child.stdout is not None  # noqa: S101
        selector = selectors.DefaultSelector()
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(SECONDS):
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                break
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            child.kill()
            raise ConvlensError(f"{args.detector} was silent for {SECONDS} s and was stopped")
    if child.returncode < 0:
        raise ConvlensError(
            f"{args.detector} crashed (signal {-child.returncode}): it is damaged, or made to harm"
        )
    return child.returncode
