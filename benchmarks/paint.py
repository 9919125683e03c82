"""Style transfer judged: which features to paint by, and a learnt style against the optimised.

    python benchmarks/paint.py features PHOTO… --styles PAINTING… --sheet features.jpg
    python benchmarks/paint.py learnt PHOTO… --styles STYLE.onnx=PAINTING… --sheet sheet.jpg

Losses of different features cannot be compared, so those that paint are judged by what none of
them sees: the distance to the painting is the sliced Wasserstein distance of 5×5 patches of pixels
(of 0 to 1) at three scales; the likeness to the photograph is the correlation of the strength of
edges.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from convlens.dataset.examples import to_float
from convlens.painting.features import StyleFeatures, style_features
from convlens.painting.losses import PaintLoss, boxes, style_targets
from convlens.painting.optimize import CONTENT, optimize
from convlens.painting.pictures import read_picture
from convlens.painting.style_file import StyleFile


class Smoothed(nn.Module):
    """Each level's maps as a softmax over all of their values (Wang, Li and Vasconcelos 2021)."""

    def __init__(self, features: StyleFeatures, painting: Tensor) -> None:
        super().__init__()
        self.features = features
        self.scales = [level.std() for level in features(painting)]

    def forward(self, pixels_NCHW: Tensor) -> list[Tensor]:
        pixels, *levels = self.features(pixels_NCHW)
        smooth = [
            torch.softmax((level / scale).flatten(), 0).view_as(level) * level.numel()
            for level, scale in zip(levels, self.scales[1:], strict=True)
        ]
        return [pixels, *smooth]


class WithoutPixels(nn.Module):
    """The network's maps alone."""

    def __init__(self, features: StyleFeatures) -> None:
        super().__init__()
        self.features = features

    def forward(self, pixels_NCHW: Tensor) -> list[Tensor]:
        return list(self.features(pixels_NCHW)[1:])


def patch_distance(one: Tensor, other: Tensor) -> float:
    """Sliced Wasserstein distance of 5×5 patches, the mean over three scales."""
    generator, shares = torch.Generator().manual_seed(0), torch.linspace(0, 1, 200)
    total = 0.0
    for scale in range(3):
        patches = [
            functional.unfold(functional.avg_pool2d(p, 2**scale), 5)[0] for p in (one, other)
        ]
        lines = functional.normalize(torch.randn(64, 75, generator=generator), dim=1)
        a, b = (torch.quantile(lines @ patch, shares, dim=1) for patch in patches)
        total += (a - b).abs().mean().item() / 3
    return total


def edge_likeness(one: Tensor, other: Tensor) -> float:
    """Correlation of the strength of edges, of brightness blurred over 3×3 pixels."""
    edges = []
    for picture in (one, other):
        grey = functional.avg_pool2d(picture.mean(1, keepdim=True), 3, 1)
        down, across = grey.diff(dim=2)[..., :-1], grey.diff(dim=3)[..., :-1, :]
        edges.append((down.square() + across.square()).sqrt().flatten())
    return torch.corrcoef(torch.stack(edges))[0, 1].item()


def tensor(path: str | Path, size: int) -> Tensor:
    return to_float(torch.from_numpy(read_picture(path, size))[None])


def save_sheet(path: Path, rows: Sequence[Sequence[Tensor]], side: int) -> None:
    """Rows of pictures, each fitted into a square."""
    sheet = Image.new("RGB", (side * max(map(len, rows)), side * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            pixels = picture[0].permute(1, 2, 0).mul(255).round().byte().numpy()
            image = Image.fromarray(pixels)
            image.thumbnail((side - 4, side - 4))
            sheet.paste(image, (x * side + 2, y * side + 2))
    sheet.save(path, quality=85)


def compare_features(args: argparse.Namespace) -> None:
    own, random = style_features(), style_features("random")
    ways: dict[str, Callable[[Tensor], nn.Module]] = {
        own.name: lambda _: own,
        "the same without pixels": lambda _: WithoutPixels(own),
        "the same, softmax": lambda painting: Smoothed(own, painting),
        "random convolutions": lambda _: random,
    }
    rows, table = [], {name: np.zeros(3) for name in ways}
    pairs = [(p, s) for p in args.photos for s in args.styles]
    for photo_path, style_path in pairs:
        photo, style = tensor(photo_path, args.size), tensor(style_path, args.size)
        row = [photo, style]
        for name, way in ways.items():
            began = time.perf_counter()
            row.append(
                optimize(photo, [style], features=way(style), weights=[1.0], steps=args.steps)  # type: ignore[arg-type]
            )
            took = time.perf_counter() - began
            figures = patch_distance(row[-1], style), edge_likeness(row[-1], photo), took
            table[name] += np.array(figures) / len(pairs)
        rows.append(row)
        print(f"{photo_path} like {style_path}: photograph {patch_distance(photo, style):.3f}")
    print("| features | distance to the painting | likeness of edges | seconds |")
    print("| --- | --- | --- | --- |")
    for name, (distance, likeness, took) in table.items():
        print(f"| {name} | {distance:.4f} | {likeness:.3f} | {took:.1f} |")
    save_sheet(args.sheet, rows, args.side)


def compare_learnt(args: argparse.Namespace) -> None:
    features = style_features()
    rows = []
    print("| painting | of | style loss | content loss | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for pair in args.styles:
        file, _, painting_path = pair.partition("=")
        learnt = StyleFile(file) if painting_path else None
        painting = tensor(painting_path or file, args.size)
        loss = PaintLoss(features, style_targets(features, [painting], [1.0]), content=CONTENT)
        row, figures = [painting], []
        for path in args.photos:
            photo = tensor(path, args.size)
            height, width = (side // 16 * 16 for side in photo.shape[-2:])
            photo = photo[..., :height, :width]
            mask, tiles = torch.ones(1, 1, height, width), boxes(height, width, tile=9999, reach=0)
            began = time.perf_counter()
            painted = [optimize(photo, [painting], features=features, steps=args.steps)]
            took = [time.perf_counter() - began]
            if learnt:
                pixels = photo[0].permute(1, 2, 0).mul(255).round().byte().numpy()
                began = time.perf_counter()
                fast = learnt.paint(np.ascontiguousarray(pixels))
                took.append(time.perf_counter() - began)
                painted.append(to_float(torch.from_numpy(fast)[None]))
            both = [loss.gradient(one, photo, mask, tiles)[1:] for one in (photo, *painted)]
            figures.append([(*two, s) for two, s in zip(both, (0.0, *took), strict=True)])
            row += painted
        for k, name in enumerate(("photograph", "optimised", "learnt")[: 2 + bool(learnt)]):
            style, content, seconds = np.mean([figure[k] for figure in figures], 0)
            stem = Path(painting_path or file).stem
            print(f"| {stem} | {name} | {style:.3f} | {content:.3f} | {seconds:.2f} |")
        rows.append(row)
    blank = torch.ones_like(rows[0][0])
    several = (len(rows[0]) - 1) // len(args.photos) - 1
    heads = [blank]
    for path in args.photos:
        heads += [tensor(path, args.size)] + [blank] * several
    save_sheet(args.sheet, [heads, *rows], args.side)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("features", "learnt"))
    parser.add_argument("photos", nargs="+", metavar="PHOTO")
    parser.add_argument("--styles", nargs="+", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--side", type=int, default=160, help="of a picture on the sheet")
    args = parser.parse_args()
    torch.set_num_threads(1)
    (compare_features if args.what == "features" else compare_learnt)(args)


if __name__ == "__main__":
    main()
