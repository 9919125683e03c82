"""A folder's answers: `Detector.predict_many` against a bare loop with ONNX Runtime, in turns.

    python benchmarks/speed/predicting.py DETECTOR PICTURES [--number 200] [--rounds 7]

The bare one decodes with the same function and calls a session with one thread from as many
threads as there are cores: what somebody would write who knows the file. Pictures keep their own
sizes. Prints pictures a second, medians, and the ratio.
"""

import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from convlens import Detector
from convlens.parallel import cores
from convlens.pictures.decode import decode

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import detector_file, script_parser
from shared.pictures import shuffled_jpegs
from shared.timing import seconds_in_turns


def bare_loop(file: Path, paths: list[Path]) -> Callable[[], object]:
    """Decode and run each picture, on all cores."""
    import onnxruntime  # after convlens, which switches its telemetry off

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options)

    def answer(path: Path) -> int:
        image = decode(path.read_bytes())[None]
        return int(np.argmax(session.run(["probabilities"], {"image": image})[0]))

    def answer_all() -> list[int]:
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(answer, paths))

    return answer_all


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("detector", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--number", type=int, default=200, help="pictures")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    file = detector_file(options.detector)
    paths = shuffled_jpegs(options.pictures, options.number)
    detector = Detector(file)
    ways = {
        "bare": bare_loop(file, paths),
        "convlens": lambda: list(detector.predict_many(paths)),
    }
    seconds = seconds_in_turns(ways, options.rounds)
    for name, taken in seconds.items():
        print(f"{name:10} {statistics.median(len(paths) / s for s in taken):8,.1f} pictures/s")
    turns = zip(seconds["bare"], seconds["convlens"], strict=True)
    ratio = statistics.median(bare / ours for bare, ours in turns)
    print(f"convlens: {ratio:.3f} of the bare loop (median of turns)")


if __name__ == "__main__":
    main()
