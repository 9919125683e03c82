"""The sets of pictures by name: those that are unpacked, and those that come in packages.

From packages: `elpv` (`pip install elpv-dataset`, CC BY-NC-SA 4.0), `digits` (scikit-learn's own,
BSD), `fashion` (Debian's `dataset-fashion-mnist`, MIT), `animals` (`pip install --no-deps
animal-mnist`, MIT). What a package holds as arrays is written as PNG beside the other sets, once.
"""

import gzip
import io
import pickle
import struct
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.pictures import Labelled, labelled_solar_cells, picture_paths

Arrays = tuple[npt.NDArray[np.uint8], Sequence[str]]
"""Grey pictures [N, H, W] and their labels."""

FASHION = Path("/usr/share/datasets/fashion-mnist")
CLOTHES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
)
"""The labels' names, in order."""


def labelled_pictures(name: str, pictures: Path) -> Labelled:
    """All pictures of a set, by its name; `pictures` is the folder of all sets."""
    if name in PACKAGED:
        folder = pictures / name
        if not folder.exists():
            _write(folder, PACKAGED[name]())
        return _by_folder(folder)
    return OTHERS.get(name, _by_folder)(pictures / name)


def _by_folder(folder: Path) -> Labelled:
    return [(str(path.absolute()), path.parent.name) for path in picture_paths(folder)]


def _by_name(folder: Path) -> Labelled:
    """Of pictures called `CLASS_12.jpg`."""
    return [(str(p.absolute()), p.stem.rpartition("_")[0]) for p in picture_paths(folder)]


def _boxes(folder: Path) -> Labelled:
    """What Pascal VOC's boxes show, cut out once, each with the box's label."""
    out = folder.with_name(f"{folder.name}-boxes")
    if not out.exists():
        for path in sorted(folder.glob("Annotations/*.xml")):
            root = ET.parse(path).getroot()  # noqa: S314
            image = Image.open(folder / "JPEGImages" / f"{path.stem}.jpg")
            for number, box in enumerate(root.iter("object")):
                sides = [float(box.findtext(f"bndbox/{side}") or 0) for side in BOX]
                left, top, right, bottom = map(round, sides)
                if right - left > 8 and bottom - top > 8:
                    target = out / (box.findtext("name") or "") / f"{path.stem}-{number}.png"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    image.crop((left, top, right, bottom)).save(target)
    return _by_folder(out)


BOX = ("xmin", "ymin", "xmax", "ymax")


def _digits() -> Arrays:
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images * 255 / 16).round().astype(np.uint8), [str(n) for n in data.target]


def _fashion() -> Arrays:
    """The 10,000 test pictures."""
    if not FASHION.exists():
        sys.exit("the clothes are not installed: apt-get install dataset-fashion-mnist")
    arrays = []
    for kind in ("images-idx3", "labels-idx1"):
        data = gzip.decompress((FASHION / f"t10k-{kind}-ubyte.gz").read_bytes())
        axes = data[3]
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
        arrays.append(np.frombuffer(data[4 + 4 * axes :], np.uint8).reshape(shape))
    return arrays[0], [CLOTHES[label] for label in arrays[1]]


class _OnlyArrays(pickle.Unpickler):
    """Reads arrays that are kept as pickles, and runs nothing else that such a file names."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in {"_reconstruct", "ndarray", "dtype"}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def _animals() -> Arrays:
    spec = find_spec("animal_mnist")
    if spec is None or spec.origin is None:
        sys.exit("the animals are not installed: pip install --no-deps animal-mnist")
    files = sorted((Path(spec.origin).parent / "data" / "Animal_MNIST").glob("*.gz"))
    images, labels = (
        _OnlyArrays(io.BytesIO(gzip.decompress(file.read_bytes()))).load() for file in files
    )
    return np.asarray(images, np.uint8), [str(label) for label in labels]


def _write(folder: Path, arrays: Arrays) -> None:
    """A folder per class, whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    for number, (image, label) in enumerate(zip(*arrays, strict=True)):
        path = partial / label / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    partial.rename(folder)


PACKAGED: dict[str, Callable[[], Arrays]] = {
    "digits": _digits,
    "fashion": _fashion,
    "animals": _animals,
}
OTHERS: dict[str, Callable[[Path], Labelled]] = {
    "elpv": lambda _: labelled_solar_cells(),
    "steel": _by_name,
    "blood-cells": _boxes,
}
