"""Pictures into pixels: convlens against other decoders with an equal resize, in turns.

    pip install opencv-python-headless
    python benchmarks/speed/reading.py PICTURES [--size 128 --number 400 --rounds 7]

Every decoder (Pillow, OpenCV, torchvision, simplejpeg) with every resize that averages over what
it shrinks as the detector's does (Pillow's bilinear, torch's antialiased one on uint8, and
convlens's), on as many threads as there are cores. convlens turns EXIF, takes any mode and kind of
file and checks sizes meanwhile. Prints pictures a second, medians, and convlens's part of the best,
and of the best with its own pixels: the other resizes differ from them by a level in places.
"""

import argparse
import io
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
import torch
import torchvision
from PIL import Image
from torch.nn import functional

from convlens.parallel import in_order
from convlens.pictures.decode import decode
from convlens.pictures.resize import Resizer

Pixels = npt.NDArray[np.uint8]


def pillow(data: bytes) -> Pixels:
    """By Pillow."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def opencv(data: bytes) -> Pixels:
    """By OpenCV, from BGR."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    pixels: Pixels = cv2.cvtColor(found, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return pixels


def tv(data: bytes) -> Pixels:
    """By torchvision, from channels first."""
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    found = torchvision.io.decode_jpeg(raw, torchvision.io.ImageReadMode.RGB)
    pixels: Pixels = found.permute(1, 2, 0).contiguous().numpy()
    return pixels


def simple(data: bytes) -> Pixels:
    """By simplejpeg."""
    pixels: Pixels = simplejpeg.decode_jpeg(data)
    return pixels


def resize_pillow(size: int) -> Callable[[Pixels], Any]:
    """Pillow's bilinear, which averages over what it shrinks."""
    return lambda x: np.asarray(Image.fromarray(x).resize((size, size), Image.Resampling.BILINEAR))


def resize_torch(size: int) -> Callable[[Pixels], Any]:
    """torch's own, on uint8 in channels-last memory."""

    def resize(pixels: Pixels) -> Any:
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        return functional.interpolate(x, (size, size), mode="bilinear", antialias=True)

    return resize


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--number", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    paths = sorted(asked.pictures.rglob("*.jp*g"))
    random.Random(0).shuffle(paths)
    files = [path.read_bytes() for path in paths[: asked.number]]
    decoders = {"pillow": pillow, "opencv": opencv, "torchvision": tv, "simplejpeg": simple}
    resizes: dict[str, Callable[[Pixels], Any]] = {
        "pillow": resize_pillow(asked.size),
        "torch": resize_torch(asked.size),
        "convlens": Resizer(asked.size),
    }
    ways: dict[str, Callable[[bytes], Any]] = {
        f"{d} + {r}": lambda data, d=decoder, r=resize: r(d(data))  # type: ignore[misc]
        for d, decoder in decoders.items()
        for r, resize in resizes.items()
    }
    own = "convlens"
    ways[own] = lambda data: resizes["convlens"](decode(data))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(asked.rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            for _ in in_order(way, files):
                pass
            if number:
                rates[name].append(len(files) / (time.perf_counter() - begun))
    middle = {name: statistics.median(seen) for name, seen in rates.items()}
    for name, rate in sorted(middle.items(), key=lambda item: -item[1]):
        print(f"{name:26} {rate:8,.0f} pictures/s")
    others = [name for name in ways if name != own]
    equal = [name for name in others if name.endswith(own)]
    for what, names in (("fastest", others), ("fastest with equal pixels", equal)):
        best = max(names, key=middle.__getitem__)
        ratio = statistics.median(a / b for a, b in zip(rates[own], rates[best], strict=True))
        print(f"convlens: {ratio:.2f} of the {what}, {best} (median of turns)")


if __name__ == "__main__":
    main()
