"""Whether heat maps point at what decides: hiding it costs more than hiding as much elsewhere.

    python benchmarks/accuracy/heat_maps.py RUN... [--most 500] [--occlusion]

Of each picture that a run held out (train with `--test-fraction`), the fifth of its area in which
the heat map is hottest is hidden, by the picture's own blur and by its mean colour, and, in turns,
parts of the same area in the rest of the picture. Counted is how often the first lowers the
probability of the answer more than the others do on average. `--occlusion` looks only at the
file's answers, as where a network has no class activation maps.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from convlens import Detector
from convlens.detector.heat_map import HeatMapper, blurred
from convlens.parallel import in_order
from convlens.pictures.decode import RGB, decode
from convlens.pictures.resize import Resizer
from convlens.tasks.intervals import wilson

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser
from shared.pictures import held_out_pictures

HIDDEN = 0.2
"""Share of the picture's area."""
ELSEWHERE = 5
"""Other parts, drawn at random, that are hidden in turns."""


def mean_colour(image: RGB) -> RGB:
    return np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape)


FILLS = {"blur": blurred, "mean colour": mean_colour}


def coherent(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Noise whose parts hang together as those of heat maps do."""
    noise: np.ndarray = gaussian_filter(random.normal(size=shape), min(shape) / 10)
    return noise


def most(values: np.ndarray, count: int) -> np.ndarray:
    """Where so many of the largest values are."""
    chosen = np.zeros(values.size, bool)
    chosen[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(values.shape)


def costs(mapper: HeatMapper, item: tuple[int, str]) -> dict[str, tuple[float, float]]:
    """For each fill, how much hiding the hottest part and other parts lowers the probability."""
    number, path = item
    detector, random = mapper.detector, np.random.default_rng(number)
    image = Resizer(int(detector.metadata["size"]))(decode(Path(path).read_bytes()))
    found = mapper.look(path, image)
    heat = found.enlarged() + 1e-9 * random.random(image.shape[:2])  # where it is 0, by chance
    count = round(HIDDEN * heat.size)
    hot = most(heat, count)
    parts = [hot]
    for _ in range(ELSEWHERE):
        parts.append(most(np.where(hot, -np.inf, coherent(heat.shape, random)), count))
    k = detector.labels.index(found.label)

    def doubt(seen: RGB) -> float:
        """The other classes' probability, exact where that of the answer is nearly 1."""
        return float(np.delete(detector.probabilities(seen), k).astype(np.float64).sum())

    whole = doubt(image)
    lost = {}
    for name, fill in FILLS.items():
        other = fill(image)
        first, *rest = [doubt(np.where(part[..., None], other, image)) - whole for part in parts]
        lost[name] = first, float(np.mean(rest))
    return lost


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=500, help="pictures")
    parser.add_argument("--occlusion", action="store_true")
    arguments = parser.parse_args()
    for run in arguments.runs:
        detector = Detector(run)
        if arguments.occlusion:
            detector.metadata.pop("class_maps", None)
        mapper = HeatMapper(detector)
        held = [path for path, _ in held_out_pictures(run)]
        order = np.random.default_rng(0).permutation(len(held))[: arguments.most]
        rows = list(in_order(partial(costs, mapper), [(k, held[k]) for k in order]))
        print(f"{run}: {len(rows)} pictures, {mapper.passes} answers for a heat map")
        for fill in FILLS:
            hot, rest = np.array([row[fill] for row in rows]).T
            low, high = wilson(int((hot > rest).sum()), len(rows))
            print(
                f"  {fill:12} costs more in {np.mean(hot > rest):.1%} ({low:.1%} to {high:.1%}); "
                f"the probability falls by {hot.mean():.3f}, elsewhere by {rest.mean():.3f}"
            )


if __name__ == "__main__":
    main()
