"""Mutated files of every kind that convlens reads: each ends in an answer or a clear error.

    python torture/fuzz.py [--count 10000] [--seed 0] [--kinds pictures,tables,…]

Good files are changed at random (bits flipped, parts cut, doubled, zeroed, exchanged with other
files', numbers in them made huge) and read in child processes, whose memory is limited and whose
every item may take `TIMES` as long as the child first needs to read all good files, what it imports
for that included. Anything but an answer or a `ConvlensError` is a failure, named by its kind and
number, which make it again.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from good_files import good_files, prepare_run
from readers import READERS

TIMES = 30.0
MEMORY = 4 * 2**30
"""Address space of a child, with everything that it has loaded; see docs/reliability.md."""
SHARES = {
    "pictures": 0.55,
    "tables": 0.15,
    "shards": 0.1,
    "detectors": 0.1,
    "checkpoints": 0.05,
    "runs": 0.05,
}


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A few random changes, the same for the same generator."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        at = rng.randrange(len(out))
        length = min(len(out) - at, rng.choice((1, 2, 4, 8, 64, 1024)))
        match rng.randrange(8):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at:]
            case 2:
                del out[at : at + length]
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                out[at : at + length] = bytes(length)
            case 5:
                out[at : at + length] = rng.randbytes(length)
            case 6:
                out[at : at + length] = rng.choice((b"\xff", b"\x7f", b"\x00")) * length
            case _:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                out[at : at + length] = other[start : start + length]
    return bytes(out)


def resealed(data: bytes, rng: random.Random) -> bytes:
    """Half of the detectors carry a right checksum, as a stranger could make them do."""
    from convlens.detector.integrity import SEAL, seal

    return seal(data[:-SEAL]) if rng.random() < 0.5 else data


def child(kind: str, seed: int, first: int, last: int, home: Path, log: Path) -> None:
    """Read the items of a range, and note each before it is begun."""
    from convlens.errors import ConvlensError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = good_files(kind, home)
    with log.open("a", buffering=1) as note:
        begun = time.process_time()
        for data in files:
            with contextlib.suppress(ConvlensError):
                READERS[kind](data, home)
        note.write(json.dumps({"undamaged": time.process_time() - begun}) + "\n")
        for number in range(first, last):
            rng = random.Random(f"{kind} {seed} {number}")
            data = mutated(rng.choice(files), rng, files)
            if kind == "detectors":
                data = resealed(data, rng)
            note.write(json.dumps({"began": number, "at": time.process_time()}) + "\n")
            try:
                READERS[kind](data, home)
                how = "read"
            except ConvlensError as error:
                how = "clear error" if str(error) else "an error without a word"
            except Exception as error:  # what the test is for
                how = f"{type(error).__name__}: {error}"[:300]
            note.write(json.dumps({"ended": number, "how": how}) + "\n")
        status = Path("/proc/self/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 2**10
        note.write(json.dumps({"peak": peak}) + "\n")


def torture(kind: str, count: int, seed: int, home: Path) -> tuple[dict[str, int], list[str]]:
    """Counts of how items ended, and the failures by name."""
    counts = {"read": 0, "clear error": 0}
    failures: list[str] = []
    first, peak = 0, 0.0
    while first < count:
        log = home / f"{kind}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--child", kind, str(seed), str(first), str(count)]
        with subprocess.Popen([*command, str(home), str(log)], stderr=subprocess.PIPE) as process:
            late = _watch(process, log)
            error = process.stderr.read().decode()[-300:] if process.stderr else ""
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        began = [line["began"] for line in lines if "began" in line]
        for line in lines:
            if "ended" in line:
                if line["how"] in counts:
                    counts[line["how"]] += 1
                else:
                    failures.append(f"{kind} {line['ended']}: {line['how']}")
            peak = max(peak, line.get("peak", 0.0))
        if process.returncode == 0:
            break
        if not began:
            sys.exit(f"FAILED: the child for {kind} did not begin: {error}")
        why = f"took more than {late:.0f} s" if late else f"killed it ({process.returncode})"
        failures.append(f"{kind} {began[-1]}: {why} {error.strip()}")
        first = began[-1] + 1
    counts["peak MB"] = round(peak)
    return counts, failures


def used(pid: int) -> float:
    """Seconds of the processor that a process has used, 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _watch(process: "subprocess.Popen[bytes]", log: Path) -> float:
    """Wait for the child; kill it where one item takes too long, and return its limit, else 0."""
    current, since = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        if not log.exists():
            continue
        lines = log.read_text().splitlines() or ["{}"]
        try:
            before, noted = (json.loads(line) for line in (lines[0], lines[-1]))
        except ValueError:
            continue
        limit: float = TIMES * before.get("undamaged", float("inf"))
        if "began" not in noted or noted["began"] != current:
            current, since = noted.get("began", -1), time.monotonic()
        # on a busy machine a child may get little of the processor: its own time counts
        elif used(process.pid) - noted["at"] > limit or time.monotonic() - since > 20 * limit:
            process.kill()
            process.wait()
            return limit
    return 0.0


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, seed, first, last, home, log = sys.argv[2:]
        child(kind, int(seed), int(first), int(last), Path(home), Path(log))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(SHARES))
    arguments = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVLENS_CACHE"] = str(Path(home) / "cache")
        prepare_run(Path(home))
        for kind in arguments.kinds.split(","):
            counts, failures = torture(
                kind, round(arguments.count * SHARES[kind]), arguments.seed, Path(home)
            )
            print(f"{kind}: {counts}, {len(failures)} failures", flush=True)
            failed += failures
    for failure in failed[:50]:
        print(f"FAILED: {failure}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
