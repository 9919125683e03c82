"""What convlens computes in another way than torch and timm, each beside theirs.

    python benchmarks/speed/shortcuts.py [--threads N]

Milliseconds, the fastest of some turns: Muon's move of a bank of filters (timm's iteration in
bfloat16, convlens's in float32), dropout, and ReLU and pooling in either order, forward and
backward. `ONEDNN_MAX_CPU_ISA=AVX2` shows a machine without instructions for bfloat16.
"""

import sys
from pathlib import Path

import torch
from timm.optim.muon import zeropower_via_newtonschulz
from torch import Tensor, nn

from convlens.engine.compute.execution import keep_memory
from convlens.engine.compute.timing import fastest_seconds
from convlens.engine.muon import STEPS, orthogonal
from convlens.network.modules import FastDropout
from convlens.parallel import cores

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser

BANKS = ((64, 576), (128, 1152), (256, 2304), (512, 4608), (128, 16384))
DROPPED, POOLED = (64, 64, 16, 16), (64, 16, 128, 128)


def milliseconds(module: nn.Module, x: Tensor) -> float:
    """Forward and backward."""
    gradient = torch.ones_like(module(x))

    def forward_and_backward() -> None:
        x.grad = None
        module(x).backward(gradient)

    return 1000 * fastest_seconds(forward_and_backward, seconds=0.5)


def feature_maps(*shape: int) -> Tensor:
    """Feature maps as training has them."""
    x = torch.randn(shape).bfloat16().contiguous(memory_format=torch.channels_last)
    return x.requires_grad_()


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    torch.set_num_threads(parser.parse_args().threads)
    keep_memory()
    for rows, columns in BANKS:
        bank = torch.randn(rows, columns)
        theirs = fastest_seconds(
            lambda x=bank: zeropower_via_newtonschulz(x, len(STEPS), list(STEPS)),  # type: ignore[misc]
            seconds=0.5,
        )
        ours = fastest_seconds(lambda x=bank: orthogonal(x), seconds=0.5)  # type: ignore[misc]
        print(f"Muon, {rows}×{columns:<6} timm's {1000 * theirs:8.1f}   ours {1000 * ours:8.1f}")
    x = feature_maps(*DROPPED)
    theirs, ours = (milliseconds(kind(0.2), x) for kind in (nn.Dropout, FastDropout))
    print(f"dropout           torch's {theirs:7.1f}   ours {ours:8.1f}")
    x, relu, pool = feature_maps(*POOLED), nn.ReLU(), nn.MaxPool2d(2)
    before, after = (
        milliseconds(nn.Sequential(*order), x) for order in ((relu, pool), (pool, relu))
    )
    print(f"ReLU before pooling       {before:5.1f}   after {after:7.1f}")


if __name__ == "__main__":
    main()
