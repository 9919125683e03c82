"""`paint`: a photograph as if somebody had painted it, by optimisation or by a learnt style."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, require
from ..files import given_path
from ..pictures.decode import RGB
from ..progress import Progress
from .options import PaintOptions
from .pictures import (
    check_out,
    compose,
    mask_of,
    match_colours,
    read_picture,
    read_style,
    write_picture,
)

if TYPE_CHECKING:
    from .optimize import Step

PREVIEW_SECONDS = 5.0
"""How often the file is written on the way."""
USUAL_SIZE, LARGEST_STYLE = 512, 1024
"""Longer sides: of what is painted by default, and of a painting at most."""


@dataclass(frozen=True)
class Painted:
    """What was painted: the file, its size, by what, and for the optimised how close it came.

    The losses are of the last step. `finished` is False where it was stopped, or time ran out.
    """

    path: Path
    width: int
    height: int
    by: str
    seconds: float
    finished: bool = True
    style_loss: float | None = None
    content_loss: float | None = None

    def __str__(self) -> str:
        losses = ""
        if self.style_loss is not None and self.content_loss is not None:
            losses = f", style loss {self.style_loss:.3f}, content loss {self.content_loss:.3f}"
        size = f"{self.width}×{self.height}"
        return f"{self.path}: {size} pixels by {self.by}{losses}, {self.seconds:.1f} s"


def paint(
    photo: str | Path,
    style: str | Path | Sequence[str | Path],
    *,
    out: str | Path | None = None,
    options: PaintOptions | None = None,
    progress: Progress = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Painted:
    """Paint a photograph in the style of paintings, or by a style that was learnt.

    Args:
        photo: A picture's path.
        style: Paths of paintings, or of one `.onnx` that `learn_style` wrote.
        out: The file to write, `.jpg`, `.png` or `.webp`; `NAME-painted.jpg` in the working folder
            by default. On the way it is written every few seconds as it stands.
        options: How it is painted.
        progress: Told of the steps.
        stop: Asked after each step whether to end, and keep what stands.

    Raises:
        UsageError: Options do not go together, or `out` has no folder.
        ConvlensError: A picture cannot be read, or a painting is of one colour.

    Examples:
        >>> convlens.paint("cat.jpg", "wave.jpg", out="painted.png")  # doctest: +SKIP
    """
    began, options = time.monotonic(), options or PaintOptions()
    styles = [style] if isinstance(style, str | Path) else list(style)
    path = given_path(out or f"{Path(photo).stem}-painted.jpg")
    check_out(path)
    if not styles:
        raise UsageError("paint takes a photograph and one or more --style")
    learnt = any(Path(one).suffix == ".onnx" for one in styles)
    if learnt and len(styles) > 1:
        raise UsageError("a learnt style paints alone: give one --style")
    image = read_picture(photo, options.size or (None if learnt else USUAL_SIZE))
    mask = None if options.mask is None else mask_of(options.mask, image)

    def write(painted: RGB) -> None:
        write_picture(path, compose(painted, image, mask, options.colours))

    last: Step | None = None
    if learnt:
        from .style_file import StyleFile

        by = str(styles[0])
        write(StyleFile(by).paint(image, progress=progress))
    else:
        require("torch", "train", what="painting after a painting")
        import torch

        from ..parallel import cores
        from .features import style_features
        from .optimize import optimize

        paintings = [read_style(one, min(max(image.shape), LARGEST_STYLE)) for one in styles]
        if options.colours == "matched":  # brush strokes have the photograph's colours then
            paintings = [match_colours(one, image) for one in paintings]
        torch.set_num_threads(cores())
        features = style_features(options.features, seed=options.seed)
        by, shown = features.name, time.monotonic()
        for last in optimize(image, paintings, options, features=features, mask=mask):
            progress("painting", last.number, last.steps)
            if time.monotonic() - shown >= PREVIEW_SECONDS:
                write(last.image(image.shape[:2]))
                shown = time.monotonic()
            if stop():
                break
        assert last is not None  # noqa: S101
        write(last.image(image.shape[:2]))
    return Painted(
        path,
        image.shape[1],
        image.shape[0],
        by=by,
        seconds=round(time.monotonic() - began, 2),
        finished=last is None or last.number == last.steps,
        style_loss=last and last.style_loss,
        content_loss=last and last.content_loss,
    )
