"""How long a detector of boxes takes for one picture on one core, and how many objects it finds.

    python benchmarks/speed/finding.py DETECTOR PICTURES [--objects 20] [--rounds 20]

Takes those pictures of the folder in which it finds so many objects or more, 20 at most. Prints the
median of answering a decoded picture, and of reading and decoding it before.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from convlens import Detector
from convlens.engine.compute.execution import processor
from convlens.pictures.decode import decode
from convlens.tasks.boxes.prediction import BoxPrediction
from shared.arguments import detector_file, script_parser

MOST = 20


def main() -> None:
    """Choose, time, and tell."""
    parser = script_parser(__doc__)
    parser.add_argument("detector", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    detector = Detector(detector_file(options.detector))
    files: list[Path] = []
    found: list[int] = []
    for answer in detector.predict_many(options.pictures):
        assert isinstance(answer, BoxPrediction)
        if answer.error is None and len(answer.objects) >= options.objects and len(files) < MOST:
            files.append(Path(answer.name))
            found.append(len(answer.objects))
    if not files:
        sys.exit(f"in no picture of {options.pictures} are {options.objects} objects found")
    decoding, answering = [], []
    for _ in range(options.rounds):
        for file in files:
            begun = time.perf_counter()
            image = decode(file.read_bytes())
            decoded = time.perf_counter()
            detector.answer(file.name, detector.outputs(image))
            answering.append(time.perf_counter() - decoded)
            decoding.append(decoded - begun)
    sizes = {decode(file.read_bytes()).shape[1::-1] for file in files}
    shown = ", ".join(f"{width}×{height}" for width, height in sorted(sizes))
    print(
        f"{processor()}, one core: {len(files)} pictures of {shown} pixels with {min(found)} to "
        f"{max(found)} objects: {1000 * statistics.median(answering):.1f} ms to find them, "
        f"{1000 * statistics.median(decoding):.1f} ms to read and decode before"
    )


if __name__ == "__main__":
    main()
