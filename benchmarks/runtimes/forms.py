"""What each form of a detector costs and gains, on real pictures.

    python benchmarks/runtimes/forms.py RUN PICTURES [FORM …]

Exports a run to each form, which proves it, and lets both answer up to 1,000 pictures, of which
their labels are known. Prints a row of docs/anywhere.md each: the largest difference of a
probability in the proof (of `openvino`, for pictures brought to the network's size before) and for
the pictures as they are, other labels, right answers, pictures that are called strange,
megabytes, and the median time for a picture on one core.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from convlens import Detector, export_detector
from convlens.errors import ConvlensError, PictureError
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog

FORMS = ("edge", "openvino", "float16", "int8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("pictures", help="labelled pictures, or the run's manifest.csv")
    parser.add_argument("forms", nargs="*", default=FORMS, metavar="FORM", help="all of them")
    parser.add_argument("--count", type=int, default=1000, help="pictures [1000]")
    args = parser.parse_args()
    catalog = read_catalog(args.pictures)
    rows = [row for row, split in enumerate(catalog.splits) if split == "test"] or range(
        len(catalog)
    )
    catalog = catalog.take(list(rows)[:: max(1, len(rows) // args.count)][: args.count])
    before = Detector(args.run)
    print("| form | proof | difference | other labels | right | strange | MB | ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for form in args.forms:
        with tempfile.TemporaryDirectory() as folder:
            try:
                proof = export_detector(args.run, to=form, out=Path(folder) / form).proof
            except ConvlensError as error:
                print(f"| `{form}` | {error} |", flush=True)
                continue
            detectors = (before, Detector(Path(folder) / form))
            answers, seconds = [], []
            for label, source in zip(catalog.labels, catalog.sources, strict=True):
                try:
                    image = decode(source.read())
                except PictureError:
                    continue
                both = []
                for detector in detectors:
                    begun = time.perf_counter()
                    outputs = detector.outputs(image)
                    both.append(time.perf_counter() - begun)
                    answers.append((label, detector.answer(source.name, outputs)))
                seconds.append(both)
        of_both = answers[::2], answers[1::2]
        differences = [
            np.abs(one.probabilities - other.probabilities).max()
            for (_, one), (_, other) in zip(*of_both, strict=True)
            if one.probabilities is not None and other.probabilities is not None
        ]
        others = sum(a.predicted != b.predicted for (_, a), (_, b) in zip(*of_both, strict=True))
        right, strange = (
            " → ".join(str(sum(map(count, side))) for side in of_both)
            for count in (lambda pair: pair[1].predicted == pair[0], lambda pair: pair[1].strange)
        )
        sizes = " → ".join(f"{detector.size / 1e6:.1f}" for detector in detectors)
        times = " → ".join(f"{1000 * median(side):.0f}" for side in zip(*seconds, strict=True))
        print(
            f"| `{form}` | {proof.largest_difference:.1g} | {max(differences):.1g} | "
            f"{others} of {len(seconds)} | {right} | {strange} | {sizes} | {times} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
