"""3×3 convolutions on one core in bfloat16: forward, and the filters' gradient in two ways.

    python benchmarks/speed/gradients.py [--micro-batch 64]

GFLOP/s of oneDNN's forward pass, of its gradient of the filters, and of that gradient as a product
of matrices; the fastest of some turns each.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional

from convlens.engine.compute.execution import keep_memory
from convlens.engine.compute.kernels.products import _weight_gradient
from convlens.engine.compute.timing import fastest_seconds

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser

SHAPES = (
    (64, 64, 32),
    (64, 64, 16),
    (128, 128, 16),
    (128, 128, 8),
    (256, 256, 8),
    (256, 256, 7),
    (256, 256, 4),
    (256, 256, 3),
    (256, 512, 4),
    (512, 512, 2),
)
UNIT = (1, 1)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--micro-batch", type=int, default=64, help="pictures at once")
    micro_batch = parser.parse_args().micro_batch
    torch.set_num_threads(1)
    keep_memory()
    print("filters      map      forward   oneDNN's gradient   as a product")
    for channels, filters, side in SHAPES:
        x, gradient, weight = (
            torch.randn(shape).bfloat16().contiguous(memory_format=torch.channels_last)
            for shape in (
                (micro_batch, channels, side, side),
                (micro_batch, filters, side, side),
                (filters, channels, 3, 3),
            )
        )
        work = 2 * 9 * micro_batch * channels * filters * side**2 / 1e9
        ways = (
            lambda x=x, w=weight: functional.conv2d(x, w, padding=1),
            lambda g=gradient, x=x, w=weight: torch.ops.aten.convolution_backward(
                g, x, w, None, UNIT, UNIT, UNIT, False, (0, 0), 1, (False, True, False)
            ),
            lambda g=gradient, x=x, w=weight: _weight_gradient(
                x, g, weight=w, stride=UNIT, padding=UNIT
            ),
        )
        forward, theirs, ours = (work / fastest_seconds(way, seconds=0.1) for way in ways)
        print(
            f"{channels:3} → {filters:3}  {side:2}×{side:<2} {forward:11,.0f} {theirs:16,.0f} "
            f"{ours:16,.0f}"
        )


if __name__ == "__main__":
    main()
