"""A folder's answers: `convlens.predict` against a bare loop with ONNX Runtime, in turns.

    python benchmarks/speed/predicting.py DETECTOR PICTURES [--number 200 --rounds 7]

The bare one decodes with the same function and calls a session with one thread from as many
threads as there are cores: what somebody would write who knows the file. Pictures keep their own
sizes. Prints pictures a second, medians, and the ratio.
"""

import argparse
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from convlens import Detector, predict
from convlens.parallel import cores
from convlens.pictures.decode import decode


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("detector", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    file = asked.detector / "detector.onnx" if asked.detector.is_dir() else asked.detector
    paths = sorted(asked.pictures.rglob("*.jp*g"))
    random.Random(0).shuffle(paths)
    paths = paths[: asked.number]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options)

    def bare(path: Path) -> int:
        image = decode(path.read_bytes())[None]
        return int(np.argmax(session.run(["probabilities"], {"image": image})[0]))

    def plain() -> int:
        with ThreadPoolExecutor(cores()) as pool:
            return len(list(pool.map(bare, paths)))

    detector = Detector(file)

    def ours() -> int:
        return len(list(predict(detector, [str(path) for path in paths])))

    rates: dict[str, list[float]] = {"bare": [], "convlens": []}
    for number in range(asked.rounds + 1):
        for name, work in (("bare", plain), ("convlens", ours)):
            begun = time.perf_counter()
            done = work()
            if number:
                rates[name].append(done / (time.perf_counter() - begun))
    for name, seen in rates.items():
        print(f"{name:10} {statistics.median(seen):8,.1f} pictures/s")
    ratio = statistics.median(b / a for a, b in zip(*rates.values(), strict=True))
    print(f"convlens: {ratio:.3f} of the bare loop (median of turns)")


if __name__ == "__main__":
    main()
