"""Disks that fill, quotas, folders that vanish or cannot be written: a clear error, nothing lost.

    python torture/faults.py [--rounds 3]

Each fault is made for real: a limit on the size of files (as a quota is), a small file system of
its own that fills (where this process may mount one), a folder removed under a run, places where
nothing can be made. After a fault that can be mended, the run goes on, and has to end in the bytes
of one that never had it.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from kills import TIMES, draw, start

STEPS = 60
SAME_SIZE = {".onnx", ".safetensors", ".png"}


@contextmanager
def killed_after(seconds: float | None, process: "subprocess.Popen[str]") -> Iterator[None]:
    """Within it, a process that is still there after so many seconds is killed: it hangs."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Case:
    """Where the faults happen: pictures, and the detector of a run that had none."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.pictures = draw(home / "pictures", 40)
        self.cache = home / "cache"
        self.limit: float | None = None
        begun = time.monotonic()
        self.run(home / "whole", None)
        self.limit = TIMES * (time.monotonic() - begun)
        self.wanted = (home / "whole" / "detector.onnx").read_bytes()

    def run(
        self,
        out: Path,
        limit: int | None,
        cache: Path | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> tuple[int, str]:
        """Exit status and what was said; `limit`: most bytes of a file. What hangs is killed."""

        def set_limit() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        environment = {**os.environ, "CONVLENS_CACHE": str(cache or self.cache)}
        command = start(self.pictures, out, STEPS)
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=set_limit,  # noqa: PLW1509
        ) as process:
            assert process.stderr is not None
            said = ""
            with killed_after(self.limit, process):
                for line in process.stderr:
                    said += line
                    if meanwhile is not None and line.startswith("epoch"):
                        meanwhile()
                        meanwhile = None
                process.wait()
        return process.returncode, said

    def must_fail(self, what: str, done: tuple[int, str], says: str) -> None:
        status, said = done
        if status != 1 or "Traceback" in said or says not in said:
            sys.exit(f"FAILED: {what}: status {status}, said:\n{said[-2000:]}")

    def must_end_alike(self, what: str, out: Path) -> None:
        status, said = self.run(out, None)
        if status or (out / "detector.onnx").read_bytes() != self.wanted:
            sys.exit(
                f"FAILED: {what}: after the fault it ends otherwise ({status}):\n{said[-2000:]}"
            )


def quota(case: Case, number: int) -> None:
    """Files may not grow beyond what one of a run's files needs."""
    out = case.home / f"quota-{number}"
    # others tell of seconds, and are not always of one size
    files = (p for p in (case.home / "whole").rglob("*") if p.suffix in SAME_SIZE)
    sizes = sorted(path.stat().st_size for path in files)
    limit = sizes[-1 - number % 3] - 1  # the largest file, or one of the next, cannot be written
    case.must_fail("quota", case.run(out, limit), "cannot write")
    case.must_end_alike("quota", out)


def quota_of_the_cache(case: Case, number: int) -> None:
    """The pixels do not fit."""
    out, cache = case.home / f"cacheless-{number}", case.home / f"small-cache-{number}"
    done = case.run(out, 20_000, cache)
    case.must_fail("quota of the cache", done, "cannot write the pixel store")
    case.must_end_alike("quota of the cache", out)


def folder_gone(case: Case, number: int) -> None:
    """Somebody removes the run while it trains."""
    out = case.home / f"gone-{number}"
    # at once: what is removed file by file is written into meanwhile
    done = case.run(out, None, meanwhile=lambda: out.rename(case.home / f"taken-{number}"))
    case.must_fail("folder gone", done, "cannot ")


def nowhere(case: Case, number: int) -> None:
    """The run's folder, or the cache's, cannot be made."""
    case.must_fail("no folder", case.run(Path("/proc/convlens"), None), "cannot make the folder")
    done = case.run(case.home / f"x-{number}", None, Path("/proc/convlens"))
    case.must_fail("no cache", done, "cannot make the cache folder")


def disk_full(case: Case, number: int) -> None:
    """A file system of some hundred kilobytes, where one may be mounted."""
    disk = case.home / f"disk-{number}"
    disk.mkdir()
    size = 150_000 + 40_000 * number
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False).returncode:
        print("disk full: skipped, as no file system can be mounted here")
        return
    try:
        done = case.run(disk / "run", None)
        case.must_fail("disk full", done, "No space left on device")
        subprocess.run(["mount", "-o", "remount,size=100M", str(disk)], check=True)
        case.must_end_alike("disk full", disk / "run")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def memory(case: Case, number: int) -> None:
    """Address space for torch itself and little more."""
    out = case.home / f"memory-{number}"
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))\n"
        "from convlens.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["train", str(case.pictures), "--out", str(out), "--size", "64", "--steps", "5"]
    words += ["--network", "dense 200000", "--weights", "none"]  # 9.8 GB in one allocation
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=case.limit,
    )
    case.must_fail("memory", (done.returncode, done.stderr), "not enough memory")


FAULTS = (quota, quota_of_the_cache, folder_gone, nowhere, memory, disk_full)


def torture(rounds: int, faults: tuple[Callable[[Case, int], None], ...] = FAULTS) -> int:
    """How many faults there were; all ended as they should."""
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder))
        for number in range(rounds):
            for fault in faults:
                fault(case, number)
                print(f"round {number + 1}: {fault.__name__} ended as it should", flush=True)
    return rounds * len(faults)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    print(f"faults: {torture(parser.parse_args().rounds)}, all as they should be")


if __name__ == "__main__":
    main()
