"""airbench94's recipe for CIFAR-10 (Jordan 2024, github.com/KellerJordan/cifar10-airbench) in plain
PyTorch on a processor, the way one would port it: bfloat16 autocast, default layout.

    python benchmarks/peers/airbench.py PICTURES [--seed 0] [--epochs 8]

`PICTURES` has `train` and `test` with a folder per class. Prints one line of JSON: seconds from the
start of the process to the test pictures' accuracy, those of training alone, and the accuracy.
"""

import json
import math
import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser  # noqa: E402

BATCH, SMOOTHING, SHIFT = 2000, 0.2, 2
BIAS_RATE, HEAD_RATE, DECAY, MOMENTUM = 0.053, 0.67, 2e-6 * BATCH, 0.85
MUON_RATE, MUON_MOMENTUM = 0.24, 0.6
WHITENING_EPOCHS = 3
"""The whitening layer's bias is trained for so long, its filters never."""
WIDTHS = (64, 256, 256)


def read_pictures(folder: Path) -> tuple[Tensor, Tensor]:
    """Pictures uint8 [N, 3, 32, 32] and labels [N] of a folder per class."""
    pictures, labels = [], []
    for label, class_folder in enumerate(
        sorted(path for path in folder.iterdir() if path.is_dir())
    ):
        for path in sorted(class_folder.iterdir()):
            pictures.append(np.asarray(Image.open(path).convert("RGB")))
            labels.append(label)
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), torch.tensor(labels)


def normalise(pictures: Tensor) -> Tensor:
    """Float pixels with CIFAR-10's mean and deviation taken out."""
    mean, deviation = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    scaled = pictures.float() / 255
    return (scaled - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with a bias and no scale to learn."""
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad = False
    return layer


def conv(channels: int, filters: int) -> nn.Conv2d:
    """A 3×3 convolution that begins by handing on its input, where it has filters for it."""
    layer = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight[: min(channels, filters)])
    return layer


class Network(nn.Module):
    """A whitening layer, three stages of two convolutions, and a scaled linear head."""

    def __init__(self, pictures: Tensor) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad = False
        self.whiten.weight.copy_(whitening(pictures))
        stages: list[nn.Module] = [nn.GELU()]
        channels = 24
        for width in WIDTHS:
            stages += [conv(channels, width), nn.MaxPool2d(2), norm(width), nn.GELU()]
            stages += [conv(width, width), norm(width), nn.GELU()]
            channels = width
        self.stages = nn.Sequential(*stages, nn.MaxPool2d(3), nn.Flatten())
        self.head = nn.Linear(channels, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 32, 32] to logits [N, 10]."""
        x = functional.conv2d(x, self.whiten.weight, self.whiten.bias)
        logits: Tensor = self.head(self.stages(x)) / 9
        return logits


def whitening(pictures: Tensor) -> Tensor:
    """Twelve filters that make 2×2 patches white, and their negatives [24, 3, 2, 2]."""
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters: Tensor = (vectors / (values + 5e-4).sqrt()).T.flip(0).view(12, 3, 2, 2)
    return torch.cat((filters, -filters))


def orthogonal(gradient: Tensor) -> Tensor:
    """The nearest matrix with all singular values about one, by three Newton-Schulz steps."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient.bfloat16()
    x = x / (x.norm() + 1e-7)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    for _ in range(3):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    nearest: Tensor = (x.T if turned else x).to(gradient.dtype)
    return nearest


class Muon:
    """Muon as airbench has it: filters keep their length, and steps are orthogonal."""

    def __init__(self, filters: list[nn.Parameter]) -> None:
        self.filters = filters
        self.moving = [torch.zeros_like(weight) for weight in filters]
        self.rate = MUON_RATE

    @torch.no_grad()
    def step(self) -> None:
        """One update."""
        for weight, moving in zip(self.filters, self.moving, strict=True):
            assert weight.grad is not None
            moving.mul_(MUON_MOMENTUM).add_(weight.grad)
            ahead = weight.grad.add(moving, alpha=MUON_MOMENTUM)
            weight.mul_(math.sqrt(len(weight)) / weight.norm())
            weight.add_(orthogonal(ahead.flatten(1)).view_as(weight), alpha=-self.rate)


def shifted(pictures: Tensor) -> Tensor:
    """Each picture moved by up to two pixels, reflected at the border."""
    padded = functional.pad(pictures, (SHIFT,) * 4, mode="reflect")
    offsets = torch.randint(2 * SHIFT + 1, (2, len(pictures), 1))
    side = pictures.shape[-1]
    rows, columns = offsets + torch.arange(side)
    numbers = torch.arange(len(pictures))[:, None, None]
    return padded.permute(0, 2, 3, 1)[numbers, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )


@torch.inference_mode()
def views(network: nn.Module, pictures: Tensor) -> Tensor:
    """Logits: half from the picture and its mirror image, half from both moved by a pixel."""

    def both(x: Tensor) -> Tensor:
        logits: Tensor = (network(x) + network(x.flip(-1))) / 2
        return logits

    padded = functional.pad(pictures, (1,) * 4, mode="reflect")
    side = pictures.shape[-1]
    moved = [padded[:, :, at : at + side, at : at + side] for at in (0, 2)]
    return 0.5 * both(pictures) + 0.25 * both(moved[0]) + 0.25 * both(moved[1])


def main() -> None:  # noqa: PLR0915 -- one recipe, from top to bottom
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float, default=8)
    parser.add_argument("--steps", type=int, help="stop after so many, to time them")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    pictures, labels = read_pictures(arguments.pictures / "train")
    pictures = normalise(pictures)
    begun = time.perf_counter()
    with torch.no_grad():
        network = Network(pictures[:5000])
    flipped = torch.rand(len(pictures)) < 0.5
    pictures[flipped] = pictures[flipped].flip(-1)
    per_epoch = len(pictures) // BATCH
    steps = math.ceil(arguments.epochs * per_epoch)
    whitening_steps = math.ceil(WHITENING_EPOCHS * per_epoch)
    muon = Muon([p for p in network.parameters() if p.ndim == 4 and p.requires_grad])
    biases = [p for n, p in network.named_parameters() if p.ndim == 1 and p.requires_grad]
    biases.remove(network.whiten.bias)  # type: ignore[arg-type]
    groups = [
        {"params": [network.whiten.bias], "lr": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
        {"params": biases, "lr": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
        {"params": [network.head.weight], "lr": HEAD_RATE, "weight_decay": DECAY / HEAD_RATE},
    ]
    rest = torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)
    highest = [group["lr"] for group in rest.param_groups]
    step = 0
    while step < steps and step != arguments.steps:
        epoch_pictures = shifted(pictures if step // per_epoch % 2 == 0 else pictures.flip(-1))
        for part in torch.randperm(len(pictures))[: per_epoch * BATCH].view(per_epoch, BATCH):
            if step in {steps, arguments.steps}:
                break
            left = 1 - step / steps
            for number, (group, rate) in enumerate(zip(rest.param_groups, highest, strict=True)):
                group["lr"] = rate * left
                if number == 0:
                    group["lr"] = rate * max(0.0, 1 - step / whitening_steps)
            muon.rate = MUON_RATE * left
            network.train()
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(epoch_pictures[part])
            loss = functional.cross_entropy(logits.float(), labels[part], label_smoothing=SMOOTHING)
            network.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            muon.step()
            rest.step()
            step += 1
    trained = time.perf_counter()
    figures: dict[str, float] = {"training": trained - begun, "steps": step}
    figures["pictures_per_second"] = step * BATCH / (trained - begun)
    if arguments.steps is None:
        network.eval()
        tests, truth = read_pictures(arguments.pictures / "test")
        tests = normalise(tests)
        with torch.autocast("cpu", torch.bfloat16):
            answers = torch.cat([views(network, x).argmax(1) for x in torch.split(tests, BATCH)])
        figures["accuracy"] = (answers == truth).float().mean().item()
    figures["seconds"] = time.perf_counter() - BEGUN
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
