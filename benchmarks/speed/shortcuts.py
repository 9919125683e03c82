"""What convlens computes in another way than torch and timm, each beside theirs.

    python benchmarks/speed/shortcuts.py [--threads N]

Milliseconds, the fastest of some turns: Muon's move of a bank of filters (timm's iteration in
bfloat16, convlens's in float32), and forward and backward, dropout, ReLU and pooling in either
order, depthwise convolutions in float32, and all of EfficientNet-Lite0 without its last layer.
`ONEDNN_MAX_CPU_ISA=AVX2` shows a machine without instructions for bfloat16.
"""

import copy
import sys
from pathlib import Path

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.optim.muon import zeropower_via_newtonschulz
from torch import Tensor, nn

from convlens.engine.compute.execution import Execution, keep_memory, multiplies_bfloat16
from convlens.engine.compute.kernels.depthwise import depthwise_by_columns
from convlens.engine.compute.timing import fastest_seconds
from convlens.engine.muon import STEPS, orthogonal
from convlens.network.modules import FastDropout
from convlens.options import EXECUTION_CONFIGS
from convlens.parallel import cores

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser

BANKS = ((64, 576), (128, 1152), (256, 2304), (512, 4608), (128, 16384))
DROPPED, POOLED = (64, 64, 16, 16), (64, 16, 128, 128)
DEPTHWISE = ((144, 64, 3, 1), (96, 128, 3, 2), (144, 64, 5, 2), (672, 16, 5, 1), (1152, 8, 5, 1))
"""Maps, their side, the filters' and their stride: some of EfficientNet-Lite0's for 256 pixels."""
PICTURES, SIDE = 16, 224


def milliseconds(module: nn.Module, x: Tensor) -> float:
    """Forward and backward."""
    gradient = torch.ones_like(module(x))

    def forward_and_backward() -> None:
        x.grad = None
        module(x).backward(gradient)

    return 1000 * fastest_seconds(forward_and_backward, seconds=0.5)


def feature_maps(*shape: int, kind: torch.dtype = torch.bfloat16) -> Tensor:
    """Feature maps as training has them."""
    x = torch.randn(shape).to(kind).contiguous(memory_format=torch.channels_last)
    return x.requires_grad_()


def print_depthwise() -> None:
    """Of one layer each."""
    for maps, side, kernel, stride in DEPTHWISE:
        if stride == 1:
            plain = nn.Conv2d(maps, maps, kernel, padding=kernel // 2, groups=maps)
        else:
            plain = Conv2dSame(maps, maps, kernel, stride=stride, groups=maps)
        x = feature_maps(PICTURES, maps, side, side, kind=torch.float32)
        theirs, ours = (
            milliseconds(layer, x) for layer in (plain, depthwise_by_columns(copy.deepcopy(plain)))
        )
        print(
            f"depthwise {kernel}×{kernel}, stride {stride}, {maps} maps of {side}×{side}  "
            f"torch's and timm's {theirs:6.1f}   ours {ours:6.1f}"
        )


class Placed(nn.Module):
    """A network under a configuration, with layers replaced or as they are."""

    def __init__(self, network: nn.Module, execution: Execution, *, replaced: bool) -> None:
        super().__init__()
        self.network = network.to(memory_format=execution.memory_format)
        if replaced:
            self.network = execution.place(self.network)
        self.execution = execution

    def forward(self, x: Tensor) -> Tensor:
        with self.execution.precision():
            out: Tensor = self.network(x)
        return out


def print_network(threads: int) -> None:
    """Of a whole network that is fine-tuned."""
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0).train()
    x = feature_maps(PICTURES, 3, SIDE, SIDE, kind=torch.float32).detach()
    names = ["float32-last", *(["bfloat16-last"] if multiplies_bfloat16() else [])]
    for name in names:
        execution = Execution(EXECUTION_CONFIGS[name], threads)
        theirs, ours = (
            milliseconds(Placed(copy.deepcopy(network), execution, replaced=replaced), x)
            for replaced in (False, True)
        )
        print(
            f"EfficientNet-Lite0, {PICTURES} pictures of {SIDE}×{SIDE}, {name}  "
            f"torch's and timm's {theirs:7.1f}   ours {ours:7.1f}"
        )


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    threads: int = parser.parse_args().threads
    torch.set_num_threads(threads)
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
    print_depthwise()
    print_network(threads)


if __name__ == "__main__":
    main()
