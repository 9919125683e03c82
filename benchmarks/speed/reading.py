"""Pictures into pixels: convlens against other decoders with an equal resize, in turns.

    pip install opencv-python-headless
    python benchmarks/speed/reading.py PICTURES [--size 128] [--number 400] [--rounds 7]

Every decoder (Pillow, OpenCV, torchvision, simplejpeg) with every resize that averages over what
it shrinks as the detector's does (Pillow's bilinear, torch's antialiased one on uint8, and
convlens's), on as many threads as there are cores. convlens turns EXIF, takes any mode and kind of
file and checks sizes meanwhile. Prints pictures a second, medians, and convlens's part of the best,
and of the best with its own pixels: the other resizes differ from them by a level in places.
"""

import io
import statistics
import sys
from collections.abc import Callable
from functools import partial
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

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser
from shared.pictures import shuffled_jpegs
from shared.timing import seconds_in_turns

Pixels = npt.NDArray[np.uint8]


def by_pillow(data: bytes) -> Pixels:
    """By Pillow."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def by_opencv(data: bytes) -> Pixels:
    """By OpenCV, from BGR."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    pixels: Pixels = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return pixels


def by_torchvision(data: bytes) -> Pixels:
    """By torchvision, from channels first."""
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    channels_first = torchvision.io.decode_jpeg(raw, torchvision.io.ImageReadMode.RGB)
    pixels: Pixels = channels_first.permute(1, 2, 0).contiguous().numpy()
    return pixels


def by_simplejpeg(data: bytes) -> Pixels:
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


def read_all(way: Callable[[bytes], Any], files: list[bytes]) -> None:
    """Read all files, on all cores."""
    for _ in in_order(way, files):
        pass


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--number", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    files = [path.read_bytes() for path in shuffled_jpegs(options.pictures, options.number)]
    decoders = {
        "pillow": by_pillow,
        "opencv": by_opencv,
        "torchvision": by_torchvision,
        "simplejpeg": by_simplejpeg,
    }
    resizes: dict[str, Callable[[Pixels], Any]] = {
        "pillow": resize_pillow(options.size),
        "torch": resize_torch(options.size),
        "convlens": Resizer(options.size),
    }
    ways: dict[str, Callable[[bytes], Any]] = {
        f"{d} + {r}": lambda data, d=decoder, r=resize: r(d(data))  # type: ignore[misc]
        for d, decoder in decoders.items()
        for r, resize in resizes.items()
    }
    own = "convlens"
    ways[own] = lambda data: resizes["convlens"](decode(data))
    seconds = seconds_in_turns(
        {name: partial(read_all, way, files) for name, way in ways.items()}, options.rounds
    )
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        print(f"{name:26} {len(files) / median:8,.0f} pictures/s")
    others = [name for name in ways if name != own]
    equal = [name for name in others if name.endswith(own)]
    for what, names in (("fastest", others), ("fastest with equal pixels", equal)):
        best = min(names, key=medians.__getitem__)
        turns = zip(seconds[own], seconds[best], strict=True)
        ratio = statistics.median(other / ours for ours, other in turns)
        print(f"convlens: {ratio:.2f} of the {what}, {best} (median of turns)")


if __name__ == "__main__":
    main()
