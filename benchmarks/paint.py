"""Style transfer judged: which features to paint by, and a learnt style against the optimised.

    python benchmarks/paint.py features PHOTO… --styles PAINTING… --sheet features.jpg
    python benchmarks/paint.py speed --styles STYLE.onnx
    python benchmarks/paint.py learnt PHOTO… --styles STYLE.onnx=PAINTING… --out judged

The last goes on where it was stopped: `judged` keeps every picture and its losses.

Losses of different features cannot be compared, so those that paint are judged by what none of
them sees: the distance to the painting is the sliced Wasserstein distance of 5×5 patches of pixels
(of 0 to 1) at three scales; the likeness to the photograph is the correlation of the strength of
edges.
"""

import argparse
import json
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
from convlens.painting.losses import PaintLoss, style_targets
from convlens.painting.optimize import optimize
from convlens.painting.options import PaintOptions
from convlens.painting.pictures import read_picture
from convlens.painting.style_file import StyleFile
from convlens.pictures.decode import RGB


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


def tensor(image: RGB) -> Tensor:
    return to_float(torch.from_numpy(np.array(image))[None])


def save_sheet(path: Path, rows: Sequence[Sequence[RGB]], side: int) -> None:
    """Rows of pictures, each fitted into a square."""
    sheet = Image.new("RGB", (side * max(map(len, rows)), side * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            image = Image.fromarray(picture)
            image.thumbnail((side - 4, side - 4))
            sheet.paste(image, (x * side + 2, y * side + 2))
    sheet.save(path, quality=85)


def painted(photo: RGB, style: RGB, steps: int, features: nn.Module) -> RGB:
    *_, last = optimize(photo, [style], PaintOptions(steps=steps), features=features)  # type: ignore[arg-type]
    return last.image(photo.shape[:2])


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
        photo, style = (read_picture(path, args.size) for path in (photo_path, style_path))
        row = [photo, style]
        for name, way in ways.items():
            began = time.perf_counter()
            row.append(painted(photo, style, args.steps, features=way(tensor(style))))
            took = time.perf_counter() - began
            one = tensor(row[-1])
            figures = patch_distance(one, tensor(style)), edge_likeness(one, tensor(photo)), took
            table[name] += np.array(figures) / len(pairs)
        rows.append(row)
        own_distance = patch_distance(tensor(photo), tensor(style))
        print(f"{photo_path} like {style_path}: photograph {own_distance:.3f}")
    print("| features | distance to the painting | likeness of edges | seconds |")
    print("| --- | --- | --- | --- |")
    for name, (distance, likeness, took) in table.items():
        print(f"| {name} | {distance:.4f} | {likeness:.3f} | {took:.1f} |")
    save_sheet(args.sheet, rows, args.side)


def compare_learnt(args: argparse.Namespace) -> None:
    args.out.mkdir(exist_ok=True)
    features, rows = style_features(), []
    ways = ("photograph", "optimised", "learnt")
    print("| painting | of | style loss | content loss | seconds |")
    print("| --- | --- | --- | --- | --- |")
    everything = []
    for pair in args.styles:
        file, _, painting_path = pair.partition("=")
        learnt, painting = StyleFile(file), read_picture(painting_path, args.size)
        loss = PaintLoss(features, style_targets(features, [tensor(painting)], [1.0]))
        figures, row = [], [painting]
        for path in args.photos:
            image = read_picture(path, args.size)
            height, width = (side // 8 * 8 for side in image.shape[:2])
            photo = np.ascontiguousarray(image[:height, :width])
            stem = args.out / f"{Path(painting_path).stem}-{Path(path).stem}"
            files = [stem.with_name(f"{stem.name}-{way}.png") for way in ways]
            record = stem.with_name(f"{stem.name}.json")
            if not record.exists():
                found = []
                for way, picture_file in zip(ways, files, strict=True):
                    began = time.perf_counter()
                    picture = photo
                    if way == "optimised":
                        picture = painted(photo, painting, args.steps, features)
                    elif way == "learnt":
                        picture = learnt.paint(photo)
                    took = time.perf_counter() - began
                    with torch.no_grad():
                        _, style, content = loss(tensor(picture), tensor(photo))
                    Image.fromarray(picture).save(picture_file)
                    found.append([style.item(), content.item(), took])
                record.write_text(json.dumps(found))
            figures.append(json.loads(record.read_text()))
            row += [np.asarray(Image.open(one)) for one in files[1:]]
        rows.append(row)
        everything += figures
        print_means(Path(painting_path).stem, ways, figures)
    print_means("all", ways, everything)
    better = sum(one[1][0] < one[2][0] for one in everything)
    print(f"the optimised is nearer to the style in {better} of {len(everything)}")
    save_sheet(args.sheet, rows, args.side)


def print_means(
    name: str, ways: Sequence[str], figures: Sequence[Sequence[Sequence[float]]]
) -> None:
    for way, (style, content, took) in zip(ways, np.mean(figures, 0), strict=True):
        print(f"| {name} | {way} | {style:.3f} | {content:.3f} | {took:.2f} |", flush=True)


def measure_speed(args: argparse.Namespace) -> None:
    """Of one core, medians of 15: seconds by the clock, and of the processor."""
    clocks = (time.perf_counter, time.process_time)
    for file in args.styles:
        style = StyleFile(file)
        for height, width in ((384, 512), (512, 512)):
            noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
            seconds = []
            for _ in range(16):
                began = [clock() for clock in clocks]
                style.paint(noise)
                seconds.append([clock() - at for clock, at in zip(clocks, began, strict=True)])
            wall, processor = np.median(seconds[1:], 0)
            print(f"{file}: {width}×{height}: {wall:.3f} s, processor {processor:.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("features", "learnt", "speed"))
    parser.add_argument("photos", nargs="*", metavar="PHOTO")
    parser.add_argument("--styles", nargs="+", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--sheet", type=Path, default=Path("sheet.png"))
    parser.add_argument("--out", type=Path, default=Path("judged"), metavar="FOLDER")
    parser.add_argument("--side", type=int, default=160, help="of a picture on the sheet")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ways = {"features": compare_features, "learnt": compare_learnt, "speed": measure_speed}
    ways[args.what](args)


if __name__ == "__main__":
    main()
