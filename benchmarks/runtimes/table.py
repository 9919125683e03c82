"""What other runtimes answer, each version in an environment of its own.

    python benchmarks/runtimes/table.py RUN PICTURES --environments runtimes

Environments are made with pip where they are not there. Prints the table of docs/anywhere.md: the
largest difference of a probability from ONNX Runtime's, and how many labels are others.
"""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

from convlens import Detector, export_detector
from convlens.errors import ConvlensError, PictureError
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from convlens.pictures.resize import Resizer

ROWS = [
    ("detector.onnx", "onnxruntime", "onnxruntime==1.15.1 numpy<2"),
    ("detector.onnx", "onnxruntime", "onnxruntime==1.17.3 numpy<2"),
    ("detector.onnx", "onnxruntime", "onnxruntime==1.20.1"),
    ("detector.onnx", "openvino", "openvino==2026.4.1"),
    ("detector.onnx", "opencv", "opencv-python-headless==5.0.0.93"),
    ("openvino", "openvino", "openvino==2026.4.1"),
    ("edge", "onnxruntime", "onnxruntime==1.15.1 numpy<2"),
    ("edge", "openvino", "openvino==2026.4.1"),
    ("edge", "opencv", "opencv-python-headless==5.0.0.93"),
]


def environment(folder: Path, packages: str) -> Path:
    """The Python of an environment with these packages."""
    names = packages.split()
    home = folder / names[0]
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *names]
        subprocess.run(command, check=True, capture_output=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("pictures", help="photographs of mixed sizes")
    parser.add_argument("--environments", type=Path, required=True, help="folder for them")
    parser.add_argument("--count", type=int, default=300, help="pictures [300]")
    forms = list(dict.fromkeys(form for form, _, _ in ROWS))
    parser.add_argument("--forms", nargs="+", choices=forms, default=forms, help="[all]")
    args = parser.parse_args()
    detector = Detector(args.run)
    resize = Resizer(int(detector.metadata["size"]))
    images = []
    for source in read_catalog(args.pictures).sources[: args.count]:
        try:
            images.append(decode(source.read()))
        except PictureError:
            continue
    wanted = detector.predict_proba(images)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        np.savez(home / "any.npz", *[image[None] for image in images])
        small = [resize(image).transpose(2, 0, 1)[None].astype(np.float32) for image in images]
        np.savez(home / "small.npz", *small)
        models = {"detector.onnx": args.run / "detector.onnx"}
        for form, file in (("edge", "detector.onnx"), ("openvino", "detector.xml")):
            if form not in args.forms:
                continue
            dtype, layout = ("float32", "NCHW") if form == "edge" else ("uint8", "NHWC")
            try:
                export_detector(args.run, to=form, out=home / form, dtype=dtype, layout=layout)
                models[form] = home / form / file
            except ConvlensError as error:
                print(f"{form}: {error}", file=sys.stderr)
        print("| what | runtime | largest difference | other labels |\n| --- | --- | --- | --- |")
        for form, runtime, packages in ROWS:
            if form not in models or form not in args.forms:
                continue
            given = home / ("small.npz" if form == "edge" else "any.npz")
            program = Path(__file__).parent / "answer.py"
            words = [environment(args.environments, packages), program, runtime]
            words += [models[form], given, home / "out.npy"]
            done = subprocess.run(
                [str(word) for word in words], check=False, capture_output=True, text=True
            )
            name = packages.split()[0].replace("==", " ")
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if "rror" in line]
                reason = said[-1].strip()[-120:] if said else "it crashed"
                print(f"| `{form}` | {name} | fails: {reason} | |", flush=True)
                continue
            answers = np.load(home / "out.npy").reshape(wanted.shape)
            others = int((answers.argmax(1) != wanted.argmax(1)).sum())
            difference = np.abs(answers - wanted).max()
            print(f"| `{form}` | {name} | {difference:.1g} | {others} |", flush=True)
    print(f"\n{len(images)} pictures", file=sys.stderr)


if __name__ == "__main__":
    main()
