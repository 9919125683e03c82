"""A default training beside the bare minimum that makes such a detector, in turns; medians.

    python benchmarks/speed/floor.py lecture-cats [--rounds 3]

The bare minimum takes the same libraries and nothing else, in one process: pictures are decoded and
resized as convlens does, ONNX Runtime computes the features of both views by each backbone that the
training compared, a picture a core, and scikit-learn fits one logistic regression on those of the
backbone that was taken. The backbones' graphs are made before; neither has anything in a cache.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import UNPACKED, script_parser
from speed.growth import train_and_watch

AIM, BESIDE = 1.3, 20.0
"""A default training, fine-tuning apart, shall take at most so many times the floor, and so many
seconds."""


def write_graphs(run: Path, folder: Path) -> list[Path]:
    """Graphs from pixels to features of the backbones that a run compared, the taken one last."""
    import torch

    from convlens.dataset.examples import to_float
    from convlens.export.conversion import network_graph
    from convlens.transfer.pretrained import NetworkChoice, Pretrained

    class Features(torch.nn.Module):
        def __init__(self, module: Pretrained) -> None:
            super().__init__()
            self.module = module

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.module.features(to_float(pixels))

    plan = json.loads((run / "run.json").read_text())["plan"]
    paths: list[Path] = []
    for line in sorted(plan["backbones"], key=lambda line: line == plan["network"]):
        if "+" in line:
            continue  # its parts are there
        module = NetworkChoice(line, plan["weights"]).module(plan["size"], classes=2)
        assert isinstance(module, Pretrained)
        path = folder / f"{len(paths)}.onnx"
        path.write_bytes(
            network_graph(Features(module), plan["size"], "features").SerializeToString()
        )
        paths.append(path)
    return paths


def bare(pictures: Path, size: int, graphs: list[Path]) -> None:
    """The bare minimum."""
    import numpy as np
    import onnxruntime
    from sklearn.linear_model import LogisticRegression

    from convlens.parallel import in_order
    from convlens.pictures.decode import decode
    from convlens.pictures.resize import Resizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(path, options) for path in graphs]
    resize = Resizer(size)

    def features(path: Path) -> list[np.ndarray]:
        pixels = resize(decode(path.read_bytes()))[None]
        views = (pixels, np.ascontiguousarray(pixels[:, :, ::-1]))
        return [
            np.concatenate([session.run(None, {"squashed": view})[0] for view in views])
            for session in sessions
        ]

    files = sorted(path for path in pictures.rglob("*") if path.is_file())
    of_taken = np.concatenate([each[-1] for each in in_order(features, files)])
    labels = np.repeat([path.parent.name for path in files], 2)
    LogisticRegression(C=0.1, max_iter=1000).fit(of_taken, labels)


def seconds_of_process(*command: str, cache: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CONVLENS_CACHE": str(cache)},
    )
    return time.perf_counter() - begun


def trained(pictures: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds of a default training's process with an empty cache, with and without its steps.

    And the most megabytes of its memory that are no file's.
    """
    begun = time.perf_counter()
    most = train_and_watch(pictures, folder, [])
    seconds = time.perf_counter() - begun
    parts = json.loads((folder / "run" / "metrics.json").read_text())["seconds"]
    steps = sum(parts.get(part, 0.0) for part in ("timing", "training", "measuring"))
    return seconds, seconds - steps, most


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures", help="a folder with a folder per class, in --pictures")
    parser.add_argument("--pictures", dest="sets", type=Path, default=UNPACKED)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    pictures = options.sets / options.pictures
    if options.bare:
        size, *graphs = options.bare
        bare(pictures, int(size), [Path(graph) for graph in graphs])
        return
    from convlens.engine.compute.execution import processor

    floors, wholes, without_steps = [], [], []
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            whole, without, megabytes = trained(pictures, folder)
            size = json.loads((folder / "run" / "run.json").read_text())["plan"]["size"]
            graphs = [str(path) for path in write_graphs(folder / "run", folder)]
            me = (__file__, options.pictures, "--pictures", str(options.sets))
            floors.append(seconds_of_process(*me, "--bare", str(size), *graphs, cache=folder))
            wholes.append(whole)
            without_steps.append(without)
    floor, whole, without = map(statistics.median, (floors, wholes, without_steps))
    most = AIM * floor + BESIDE
    print(f"{processor()}: {options.pictures}, {options.rounds} turns")
    print(f"floor             {floor:7.1f} s  ({', '.join(f'{s:.1f}' for s in floors)})")
    print(f"convlens train    {whole:7.1f} s  ({', '.join(f'{s:.1f}' for s in wholes)})")
    kept = "kept" if without <= most else "missed"
    print(f"memory            {megabytes:7,.0f} MB at most, but for files, in the last turn")
    print(f"without its steps {without:7.1f} s, {without / floor:.2f} times the floor")
    print(f"the aim           {most:7.1f} s, {AIM} times the floor and {BESIDE:.0f} s: {kept}")


if __name__ == "__main__":
    main()
