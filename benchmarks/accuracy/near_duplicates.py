"""Which planted near duplicates are found, and how many pairs are found that nobody planted.

    python benchmarks/accuracy/near_duplicates.py [--pictures ../pictures/cats-dogs] [--count 200]

Copies that are alike to a picture's other copies may be found through those.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.read import read_catalog
from convlens.pictures.store import open_store

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.pictures import picture_paths

CHANGES = (
    "as JPEG of quality 50",
    "half the size",
    "a fifth brighter",
    "grey",
    "cut by 1 %",
    "cut by 3 %",
)


def plant(image: Image.Image, how: str, path: Path) -> None:
    width, height = image.size
    match how.split():
        case ["as", *_]:
            image.save(path, "JPEG", quality=50)
            return
        case ["half", *_]:
            image = image.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
        case ["a", *_]:
            image = ImageEnhance.Brightness(image).enhance(1.2)
        case ["grey"]:
            image = image.convert("L")
        case ["cut", "by", percent, _]:
            x, y = (max(1, round(length * int(percent) / 100)) for length in image.size)
            image = image.crop((x, y, width - x, height - y))
    image.save(path, "JPEG", quality=90)


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--count", type=int, default=200, help="pictures that are planted again")
    parser.add_argument("--size", type=int, default=128, help="side at which they are compared")
    arguments = parser.parse_args()
    paths = picture_paths(arguments.pictures)
    random = np.random.default_rng(0)
    chosen = [paths[k] for k in random.permutation(len(paths))[: arguments.count]]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "all"
        folder.mkdir()
        for number, path in enumerate(chosen):
            with Image.open(path) as image:
                picture = image.convert("RGB")
            picture.save(folder / f"{number}-0.png")
            for change, how in enumerate(CHANGES, 1):
                plant(picture, how, folder / f"{number}-{change}.jpg")
        catalog = read_catalog(home)
        store = open_store(catalog, arguments.size, progress=lambda *_: None)
        clusters = near_duplicate_clusters(store, lambda *_: None)
        cluster = {
            Path(name).stem: int(clusters[row])
            for name, row in zip(catalog.names, store.rows, strict=True)
        }
    for number, how in enumerate(CHANGES, 1):
        same = [cluster[f"{n}-0"] == cluster[f"{n}-{number}"] for n in range(len(chosen))]
        print(f"{how:22} {np.mean(same):6.1%} of {len(same)} found")
    originals = Counter(cluster[f"{n}-0"] for n in range(len(chosen)))
    wrong = sum(count - 1 for count in originals.values())
    print(f"originals taken for another one: {wrong} of {len(chosen)}")


if __name__ == "__main__":
    main()
