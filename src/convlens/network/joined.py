"""Several published architectures side by side, as one backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

NAME = "backbones.{}"


class Joined(nn.Module):
    """Backbones of timm's that see the same pictures, their features side by side.

    Pixels [N, 3, H, W] come as the first one wants them normalised; every other one gets them with
    the mean and deviation that it learnt with. The maps of each are pooled in its own way, so their
    grids may differ. Parameters are under `backbones.0`, `backbones.1`, ….

    Args:
        backbones: Without classifiers, as `timm.create_model(NAME, num_classes=0)` makes them.

    Examples:
        >>> joined = Joined([timm.create_model(name, num_classes=0) for name in names])
        ... # doctest: +SKIP
        >>> joined.forward_head(joined.forward_features(pixels_NCHW)).shape  # doctest: +SKIP
        torch.Size([1, 2560])
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, backbones: Sequence[nn.Module]) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(backbones)
        configs: list[dict[str, Any]] = [part.pretrained_cfg for part in backbones]  # type: ignore[misc]
        mean, std = (
            torch.tensor([config[key] for config in configs])[:, :, None, None]
            for key in ("mean", "std")
        )
        self.register_buffer("scale", std[0] / std)
        self.register_buffer("shift", (mean[0] - mean) / std)
        self.head_hidden_size = sum(part.head_hidden_size for part in backbones)  # type: ignore[misc]
        one_side = any(config.get("fixed_input_size") for config in configs)
        self.pretrained_cfg = {**configs[0], "fixed_input_size": one_side}

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The backbones by their names in here."""
        return {NAME.format(k): part for k, part in enumerate(self.backbones)}

    def forward_features(self, normal_NCHW: Tensor) -> tuple[Tensor, ...]:
        """The last maps or tokens of each."""
        return tuple(
            part.forward_features(normal_NCHW * scale + shift)  # type: ignore[operator]
            for part, scale, shift in zip(self.backbones, self.scale, self.shift, strict=True)
        )

    def forward_head(self, maps: Sequence[Tensor], pre_logits: bool = True) -> Tensor:
        """Of these, the features [N, D] of all, one backbone's after the other's."""
        features = [
            part.forward_head(own, pre_logits=pre_logits).flatten(1)  # type: ignore[operator]
            for part, own in zip(self.backbones, maps, strict=True)
        ]
        return torch.cat(features, 1)

    @staticmethod
    def together(parameters: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The parameters of each backbone, by their names in here."""
        return {
            f"{NAME.format(k)}.{name}": value
            for k, own in enumerate(parameters)
            for name, value in own.items()
        }

    @staticmethod
    def parameters_of(part: int, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of one backbone, by its own names. Raises `RuntimeError` where there are none."""
        prefix = f"{NAME.format(part)}."
        own = {
            name.removeprefix(prefix): value
            for name, value in parameters.items()
            if name.startswith(prefix)
        }
        if not own:
            raise RuntimeError(f"it has no parameters under {prefix[:-1]}")
        return own
