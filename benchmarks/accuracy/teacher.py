"""A network with an eighth of its teacher's multiplications, taught by it and from labels alone.

    python benchmarks/accuracy/teacher.py --out teacher [--pictures ../pictures] [--runs 2]

Each run holds out another fifth of `cats-dogs`, as `accuracy/table.py` does. The teacher is
`convlens train` as it is by default. The student is EfficientNet-Lite0, trained once with
`--teacher` and once without, and exported with `--to edge --no-mirror`: at the largest side that is
a multiple of 32 and then costs at most an eighth. Prints how much of the fifth each answers
rightly, and McNemar's exact test against the teacher. Trainings whose folders are in `--out`
already are not repeated; other options, such as `--steps 1000`, are the students'.
"""

import sys
from math import sqrt
from pathlib import Path

import numpy as np

from convlens import Detector, export_detector
from convlens.network.named import PUBLISHED
from convlens.tasks.intervals import mcnemar

sys.path.insert(0, str(Path(__file__).parents[1]))
from accuracy.table import ROWS, held_out
from shared.arguments import add_pictures, script_parser
from shared.pictures import Labelled, held_out_pictures, write_table
from shared.sets import labelled_pictures
from shared.training import train_by_command

(ROW,) = (row for row in ROWS if row.name == "cats-dogs")
STUDENT = "efficientnet-lite0"
SHARE = 8
"""Of the teacher's multiplications the student has one part in so many, or fewer."""


def side_of_student(teacher: Detector) -> int:
    """Convolutions cost as much as their pictures have pixels."""
    student = PUBLISHED[STUDENT]
    most = multiplications(teacher) / SHARE / student.multiplications
    return int(student.size * sqrt(most)) // 32 * 32


def multiplications(detector: Detector) -> int:
    """For one picture, with its mirror image where the detector looks at that."""
    return int(detector.metadata["multiplications"])


def teacher_and_students(
    folder: Path, number: int, pictures: Labelled, students: list[str], options: list[str]
) -> dict[str, Detector]:
    """The teacher, and students that it taught or did not; they hold out the same fifth."""
    held = held_out(ROW, pictures, number)
    folder.mkdir(parents=True, exist_ok=True)
    rows = (
        (path, label, "test" if h else "train")
        for (path, label), h in zip(pictures, held, strict=True)
    )
    table = write_table(folder / "pictures.csv", rows)

    def trained(name: str, *more: str) -> Path:
        out = folder / name
        if not (out / "metrics.json").exists():
            train_by_command(table, out, "--seed", str(number), "--quiet", *more)
        return out

    teacher = trained("teacher")
    detectors = {"teacher": Detector(teacher)}
    side = str(side_of_student(detectors["teacher"]))
    for name in students:
        more = ["--teacher", str(teacher)] if name == "taught" else []
        run = trained(name, "--network", STUDENT, "--size", side, *options, *more)
        once = folder / f"{name}-edge"
        if not once.exists():
            export_detector(run, to="edge", out=once, mirror=False)
        detectors[name] = Detector(once)
    return detectors


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--runs", type=int, default=2, help="trainings of each [2]")
    both = ["taught", "alone"]
    parser.add_argument("--students", nargs="+", choices=both, default=both, help="[both]")
    arguments, options = parser.parse_known_args()
    pictures = labelled_pictures(ROW.folder, arguments.pictures)
    for number in range(arguments.runs):
        folder = arguments.out / str(number)
        detectors = teacher_and_students(folder, number, pictures, arguments.students, options)
        paths, labels = zip(*held_out_pictures(folder / "teacher"), strict=True)
        right = {
            name: np.array([one.predicted for one in detector.predict_many(paths)]) == labels
            for name, detector in detectors.items()
        }
        teacher = right["teacher"]
        for name, of_run in right.items():
            only, only_teacher = int((of_run & ~teacher).sum()), int((teacher & ~of_run).sum())
            share = multiplications(detectors["teacher"]) / multiplications(detectors[name])
            print(
                f"{number} {name:8} {detectors[name].frame} pixels, 1/{share:.1f} of the "
                f"multiplications: {of_run.sum()} of {len(of_run)} right, {only} only by it, "
                f"{only_teacher} only by the teacher, p = {mcnemar(only, only_teacher):.2g}",
                flush=True,
            )


if __name__ == "__main__":
    main()
