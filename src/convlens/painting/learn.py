"""`learn_style`: a network that paints any photograph like one painting, in one pass."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from ..dataset.examples import to_float
from ..dataset.random import generator, torch_seed
from ..detector.inputs import find_files
from ..errors import ConvlensError, PictureError
from ..files import exists, given_path, write_whole
from ..parallel import cores
from ..pictures.decode import RGB, decode
from ..progress import Progress
from .features import ALIGNED, style_features
from .losses import PaintLoss, style_targets
from .network import Painter, style_file
from .options import PaintOptions
from .pictures import check_out, read_style

SIZE, BATCH = 192, 2
RATE = 2e-3
MINUTES = 10.0
MOST_PICTURES = 1000
MOST_BYTES = 10**9
"""What photographs may take in memory; of large ones there are fewer."""


@dataclass(frozen=True)
class LearntStyle:
    """A style's file, and how close the network came, as the mean over the last 100 pictures."""

    path: Path
    steps: int
    pictures: int
    seconds: float
    style_loss: float
    content_loss: float
    passed_over: int

    def __str__(self) -> str:
        bad = f" ({self.passed_over:,} could not be read)" if self.passed_over else ""
        return (
            f"{self.path}: {self.steps:,} steps on {self.pictures:,} pictures{bad}, style loss "
            f"{self.style_loss:.3f}, content loss {self.content_loss:.3f}, {self.seconds:.1f} s"
        )


def learn_style(
    painting: str | Path,
    pictures: str | Path,
    *,
    out: str | Path,
    options: PaintOptions | None = None,
    progress: Progress = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> LearntStyle:
    """Learn to paint like a painting, and write one `.onnx`.

    Args:
        painting: Its path.
        pictures: A folder of photographs of any kind, that the network practises on.
        out: The file to write.
        options: `size` is the side in pixels of what it practises on [192], `minutes` [10] or
            `steps` say how long, `strength`, `features` and `seed` are as for painting.
        progress: Told of the seconds.
        stop: Asked after each step whether to end, and keep what was learnt.

    Raises:
        UsageError: The options do not go together, or `out` has no folder.
        ConvlensError: The painting cannot be read or is of one colour, or no picture can be.

    Examples:
        >>> convlens.learn_style("wave.jpg", "photos/", out="wave.onnx")  # doctest: +SKIP
    """
    began, path = time.monotonic(), given_path(out)
    options = options or PaintOptions()
    check_out(path, "a learnt style", [".onnx"])
    size = (options.size or SIZE) // ALIGNED * ALIGNED
    style = to_float(torch.from_numpy(read_style(painting, size))[None])
    photos, passed_over = _photos(pictures, size, seed=options.seed, progress=progress)
    torch.set_num_threads(cores())
    features = style_features(options.features, seed=options.seed)
    targets = style_targets(features, [style], [1.0])
    loss = PaintLoss(features, targets, strength=options.strength)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(torch_seed(options.seed, "paint"))
        painter = Painter()
    minutes = options.minutes or (math.inf if options.steps else MINUTES)
    seconds, steps = 60 * minutes, options.steps or 10**9
    optimizer = torch.optim.Adam(painter.parameters(), lr=RATE, betas=(0.9, 0.99))
    losses: list[list[float]] = []
    for step in range(steps):
        share = max(step / steps, (time.monotonic() - began) / seconds)
        if share >= 1 or stop():
            break
        progress("learning the style", round(1000 * share), 1000)
        optimizer.param_groups[0]["lr"] = RATE * max(0.02, min(1.0, 2.5 * (1 - share)))
        optimizer.zero_grad()
        draws = generator(options.seed, "paint", step)
        for row in draws.integers(0, len(photos), BATCH):
            photo = to_float(torch.from_numpy(photos[row])[None])
            photo = photo.flip(-1) if draws.integers(2) else photo
            whole_loss, *parts = loss(painter(photo), photo)
            torch.autograd.backward(whole_loss / BATCH)
            losses.append([part.item() for part in parts])
        torch.nn.utils.clip_grad_norm_(painter.parameters(), 1.0)
        optimizer.step()
    if not losses:
        raise ConvlensError("there was no time for a single step: give more --minutes")
    style_loss, content_loss = np.mean(losses[-100:], 0).tolist()
    done = len(losses) // BATCH
    record = {"painting": Path(painting).name, "features": features.name, "steps": done}
    write_whole(path, style_file(painter.eval(), record))
    return LearntStyle(
        path,
        done,
        len(photos),
        round(time.monotonic() - began, 2),
        style_loss=style_loss,
        content_loss=content_loss,
        passed_over=passed_over,
    )


def _photos(
    folder: str | Path, size: int, *, seed: int, progress: Progress
) -> tuple[list[RGB], int]:
    """Photographs [S, S, 3] of a folder, cut to squares; how many could not be read."""
    if not exists(folder):
        raise ConvlensError(f"there is no {folder}")
    files = list(find_files(folder))
    most = max(1, min(MOST_PICTURES, MOST_BYTES // (3 * size**2)))
    order = generator(seed, "paint").permutation(len(files))[:most]
    found, bad = [], 0
    for done, index in enumerate(order.tolist(), 1):
        try:
            image = Image.fromarray(decode(files[index].read()))
            found.append(np.array(ImageOps.fit(image, (size, size))))
        except PictureError:
            bad += 1
        progress("reading pictures", done, len(order))
    if not found:
        raise ConvlensError(f"there is no picture that can be read in {folder}")
    return found, bad
