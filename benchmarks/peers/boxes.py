"""convlens against Ultralytics where boxes are learnt: the same pictures, cores and minutes.

    python benchmarks/peers/boxes.py [--pictures ../pictures] [--sets pedestrians] [--minutes 15]
        [--who ultralytics convlens]

Each set is written as YOLO's folders with `convlens.convert`, every fifth picture held out where
the data names none. Ultralytics, in an environment of its own, trains its smallest network from
random parameters (those from COCO are fetched from its site, and would help it), with a thread for
each core, which it does not take by itself, and all else as it comes, for so many minutes of
training; convlens gets as many for the whole process, and begins from the parameters that come with
it. Ultralytics keeps the epoch that is best on the held-out pictures, and AP is by its own measure;
convlens's is by COCO's. Both favour Ultralytics a little.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from environments import environment
from processes import run

import convlens
from accuracy.boxes import SETS
from convlens.engine.compute.execution import processor
from shared.arguments import add_pictures, script_parser
from shared.training import train_by_command

HERE = Path(__file__).parent
WHO = ("ultralytics", "convlens")


def write_folders(pictures: Path, folder: Path) -> Path:
    """YOLO's folders with `train` and `val`; returns the file that lists them."""
    convlens.convert(pictures, folder, to="yolo")
    listed = folder / "data.yaml"
    images = folder / "images"
    if not (images / "train").exists():
        for number, path in enumerate(sorted((images / "all").iterdir())):
            split = "train" if number % 5 else "val"
            labels = folder / "labels" / "all" / f"{path.stem}.txt"
            for file in (path, labels):
                if file.exists():
                    target = file.parents[1] / split / file.name
                    target.parent.mkdir(exist_ok=True)
                    file.rename(target)
    held_out = next(name for name in ("val", "test") if (images / name).exists())
    names = listed.read_text().partition("names:")[2]
    listed.write_text(f"path: {folder}\ntrain: images/train\nval: images/{held_out}\nnames:{names}")
    return listed


def main() -> None:
    """Train each, and tell."""
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default=",".join(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--minutes", type=float, help="of each [those of accuracy/boxes.py]")
    parser.add_argument("--who", nargs="+", default=WHO, choices=WHO)
    parser.add_argument("--network", default="yolo11n.yaml", help="Ultralytics' [yolo11n.yaml]")
    parser.add_argument("--home", type=Path, default=Path.home() / ".cache" / "convlens-peers")
    arguments = parser.parse_args()
    python = environment("ultralytics", arguments.home.resolve())
    print(processor())
    for name in arguments.sets.split(","):
        minutes = arguments.minutes or SETS[name]
        with tempfile.TemporaryDirectory() as text:
            where = Path(text)
            listed = write_folders(arguments.pictures / name, where / "pictures")
            for who in arguments.who:
                begun = time.perf_counter()
                if who == "ultralytics":
                    script = HERE / "run_ultralytics_boxes.py"
                    words = [str(python), str(script), str(listed), arguments.network, str(minutes)]
                    found = run(words, where).lines[-1][1]
                else:
                    found = train_by_command(
                        where / "pictures", where / "run", "--minutes", str(minutes)
                    )["test"]
                print(
                    f"{name:12} {who:12} AP50 {found['AP50']:.3f}  AP {found['AP']:.3f}  "
                    f"{(time.perf_counter() - begun) / 60:.1f} min",
                    flush=True,
                )


if __name__ == "__main__":
    main()
