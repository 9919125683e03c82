"""How long things take to begin, each as a whole process, in turns; medians.

python benchmarks/speed/startup.py [--detector RUN --picture FILE] [--rounds 11]
"""

import argparse
import statistics
import subprocess
import sys
import time

PYTHON = sys.executable


def seconds(command: list[str]) -> float:
    """Wall seconds of one process."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector")
    parser.add_argument("--picture")
    parser.add_argument("--rounds", type=int, default=11)
    asked = parser.parse_args()
    commands = {
        "python alone": [PYTHON, "-c", "pass"],
        "import convlens": [PYTHON, "-c", "import convlens"],
        "convlens --help": [PYTHON, "-m", "convlens", "--help"],
    }
    if asked.detector and asked.picture:
        libraries = "import numpy, PIL.Image, onnxruntime"
        commands["import numpy, PIL, onnxruntime"] = [PYTHON, "-c", libraries]
        predict = [PYTHON, "-m", "convlens", "predict", asked.detector, asked.picture]
        commands["convlens predict, one picture"] = predict
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(asked.rounds + 1):
        for name, command in commands.items():
            taken = seconds(command)
            if number:  # the first round warms the file cache
                times[name].append(taken)
    alone = statistics.median(times["python alone"])
    for name, seen in times.items():
        middle = statistics.median(seen)
        print(
            f"{name:32} {1000 * middle:7.0f} ms   beyond python {1000 * (middle - alone):6.0f} ms"
        )


if __name__ == "__main__":
    main()
