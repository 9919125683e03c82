"""How long things take to begin, each as a whole process, in turns; medians.

    python benchmarks/speed/startup.py [--detector RUN --picture FILE] [--train PICTURES]

Prints milliseconds of the whole process, and what goes beyond those of Python alone. Modules are
compiled once and kept, as those of an installed package are.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser
from shared.timing import seconds_in_turns

PYTHON = sys.executable
COMPILED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def run_process(command: list[str]) -> None:
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=COMPILED
    )


def train_until_read(pictures: str) -> None:
    """Train until the pictures are read, which the round before the first puts into the cache."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "convlens", "train", pictures, "--out", f"{folder}/run"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=COMPILED) as process:
            assert process.stderr is not None
            if not any(line.startswith("pictures:") for line in process.stderr):
                sys.exit(f"{' '.join(command)} does not say which pictures it read")
            process.kill()


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--detector")
    parser.add_argument("--picture")
    parser.add_argument("--train", metavar="PICTURES")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    commands = {
        "python alone": [PYTHON, "-c", "pass"],
        "import convlens": [PYTHON, "-c", "import convlens"],
        "convlens --help": [PYTHON, "-m", "convlens", "--help"],
    }
    if options.detector and options.picture:
        libraries = "import numpy, PIL.Image, onnxruntime"
        commands["import numpy, PIL, onnxruntime"] = [PYTHON, "-c", libraries]
        predict = [PYTHON, "-m", "convlens", "predict", options.detector, options.picture]
        commands["convlens predict, one picture"] = predict
    ways = {name: partial(run_process, command) for name, command in commands.items()}
    if options.train:
        for module in ("torch", "convlens.training.train"):
            ways[f"import {module}"] = partial(run_process, [PYTHON, "-c", f"import {module}"])
        ways["convlens train, pictures read"] = partial(train_until_read, options.train)
    seconds = seconds_in_turns(ways, options.rounds)
    medians = {name: 1000 * statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        beyond = median - medians["python alone"]
        print(f"{name:32} {median:7.0f} ms   beyond python {beyond:6.0f} ms")


if __name__ == "__main__":
    main()
