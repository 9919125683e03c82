"""Where the truth is known: photographs pasted into scenes of other pictures, and `find` on them.

    python benchmarks/accuracy/find.py [--pictures ../pictures] [--run RUN] [--show FOLDER]

Trains on `cats-dogs` with a background of other pictures (unless RUN is such a run), then pastes
each picture that the run held out into a scene at a random place and scale, and into as many scenes
a control: a picture of something else. Scenes and controls are pictures that the background was not
made of. Judged are: pointing (the hottest point lies in the photograph), the best box's overlap
with the photograph (area of both over area of either), its label, and findings where there is only
a control.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from convlens import Detector, train
from convlens.detector.draw import draw_findings
from convlens.detector.find import Finder
from convlens.detector.localization import Localization
from convlens.parallel import in_order
from convlens.pictures.boxes.box import Box
from convlens.tasks.intervals import wilson

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.pictures import held_out_pictures

OTHERS = ("airplane", "automobile", "ship", "truck")
"""Of CIFAR-10: nothing like a cat or a dog; for the background from its training split."""
SCENE = (480, 800)
"""Least and greatest side of a scene, in pixels."""
PASTED = (0.25, 0.7)
"""The pasted picture's longer side, as a share of the scene's shorter one."""


@dataclass(frozen=True)
class Scene:
    """A scene, what was pasted into it and where; `label` is None for a control."""

    pixels: np.ndarray
    label: str | None
    box: Box


def others(pictures: Path, learnt: bool) -> list[Path]:
    """Pictures of other things: those that a background is made of, or the rest."""
    split = "train" if learnt else "test"
    cifar = [
        path
        for label in OTHERS
        for path in sorted((pictures / "cifar10" / split / label).glob("*.jpg"))[:200]
    ]
    lecture = sorted((pictures / "lecture-cats" / "other").glob("*.png"))
    return cifar + lecture[0 if learnt else 1 :: 2]


def scene_of(
    random: np.random.Generator, paths: list[Path], pasted: Path, label: str | None
) -> Scene:
    """A mosaic of one to six other pictures, and one picture pasted into it."""
    width, height = (int(n) for n in random.integers(*SCENE, 2))
    canvas = Image.new("RGB", (width, height))
    rows, columns = int(random.integers(1, 3)), int(random.integers(1, 4))
    for row in range(rows):
        for column in range(columns):
            cell = (-(-width // columns), -(-height // rows))
            other = Image.open(paths[random.integers(len(paths))]).convert("RGB")
            canvas.paste(
                other.resize(cell, Image.Resampling.BICUBIC), (column * cell[0], row * cell[1])
            )
    picture = Image.open(pasted).convert("RGB")
    longer = random.uniform(*PASTED) * min(width, height)
    scale = longer / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    left = int(random.integers(0, width - size[0] + 1))
    top = int(random.integers(0, height - size[1] + 1))
    canvas.paste(picture.resize(size, Image.Resampling.LANCZOS), (left, top))
    return Scene(np.asarray(canvas), label, Box(left, top, left + size[0], top + size[1]))


def make_scenes(held: list[tuple[str, str]], rest: list[Path], seed: int = 0) -> Iterator[Scene]:
    """For each held-out picture (path, label) one scene with it, and one with a control."""
    random = np.random.default_rng(seed)
    for path, label in held:
        yield scene_of(random, rest, Path(path), label)
        yield scene_of(random, rest, rest[random.integers(len(rest))], None)


def share(right: list[bool]) -> str:
    """Share, number and 95 % interval (Wilson)."""
    low, high = wilson(sum(right), len(right))
    return f"{np.mean(right):6.1%} of {len(right)} ({low:.1%} to {high:.1%})"


def train_with_background(pictures: Path) -> Path:
    """A run on `cats-dogs` with a background of other pictures."""
    folder = Path(tempfile.mkdtemp())
    (folder / "others").mkdir()
    for path in others(pictures, learnt=True):
        shutil.copy(path, folder / "others" / f"{path.parent.name}-{path.name}")
    run = train(pictures / "cats-dogs", folder / "run", background=str(folder / "others"))
    print(f"trained {run.folder}")
    return run.folder


def print_figures(scenes: list[Scene], answers: list[Localization]) -> None:
    """How often `find` is right, and what it multiplies for that."""
    pasted = [(s, a) for s, a in zip(scenes, answers, strict=True) if s.label is not None]
    controls = [a for s, a in zip(scenes, answers, strict=True) if s.label is None]
    pointed = [
        s.box.left <= x <= s.box.right and s.box.top <= y <= s.box.bottom
        for s, a in pasted
        for x, y in [a.hottest]
    ]
    best = [(s, max(a.findings, key=lambda f: f.probability, default=None)) for s, a in pasted]
    overlaps = [f.box.iou(s.box) if f else 0.0 for s, f in best]
    labelled = [f is not None and f.predicted == s.label for s, f in best]
    shares = {
        "pointing: the hottest point lies in the photograph": pointed,
        "best box overlaps the photograph by 0.5 or more": [part >= 0.5 for part in overlaps],
        "the best finding has the photograph's label": labelled,
        "more than one finding in a scene with one photograph": [
            len(a.findings) > 1 for _, a in pasted
        ],
        "something found in a scene with a control only": [bool(a.findings) for a in controls],
    }
    for name, right in shares.items():
        print(f"{name:52} {share(right)}")
    print(f"{'mean overlap (0 where nothing was found)':52} {np.mean(overlaps):.2f}")
    cut_out = sum(a.multiplications_cut_out for a in answers)
    sliding = sum(a.multiplications for a in answers)
    print(
        f"multiplications: cutting all windows out needs {cut_out / sliding:.1f} times "
        f"as many as sliding ({np.mean([a.windows for a in answers]):.0f} windows a picture)"
    )
    differences = [a.difference for a in answers]
    print(
        "probability, sliding against the same pixels cut out: "
        f"median difference {np.median(differences):.3f}, "
        f"95 % below {np.quantile(differences, 0.95):.3f}"
    )


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--show", type=Path, help="put the first pictures with what was found here")
    parser.add_argument("--split", default="test", help="val: to try something, not for figures")
    parser.add_argument("--most", type=int, default=400, help="photographs")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many that were seen")
    arguments = parser.parse_args()
    run = arguments.run or train_with_background(arguments.pictures)
    held = [row for row in held_out_pictures(run, arguments.split) if row[1] != "background"]
    order = np.random.default_rng(0).permutation(len(held))
    held = [held[k] for k in order[arguments.skip :][: arguments.most]]
    finder = Finder(Detector(run))
    scenes = list(make_scenes(held, others(arguments.pictures, learnt=False)))
    answers = list(in_order(lambda scene: finder.find("", scene.pixels), scenes))
    print_figures(scenes, answers)
    if arguments.show:
        arguments.show.mkdir(parents=True, exist_ok=True)
        for number, (scene, answer) in enumerate(zip(scenes[:24], answers, strict=False)):
            draw_findings(scene.pixels, answer).save(arguments.show / f"{number:02}.jpg")


if __name__ == "__main__":
    main()
