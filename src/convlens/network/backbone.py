"""Published architectures as backbones: built by timm, with a head of our own."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ..errors import UsageError
from .joined import Joined
from .spec import PREFIX, parts_of

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

ENLARGED = 9 / 7
"""A convolutional network answers best for pictures larger by this than those it learnt from, since
crops enlarge what they show (Touvron et al. 2019)."""


class BackboneWithHead(nn.Module):
    """One of timm's architectures without its classifier, or several joined, and a dense layer.

    Pixels [N, 3, H, W], normalised, to logits [N, K]. The dense layer is the last one whatever the
    architecture's own classifier is: another kind of layer, several, or none. It begins at 0.
    """

    def __init__(self, backbone: nn.Module, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        features: int = backbone.head_hidden_size  # type: ignore[assignment]
        self.head = nn.Linear(features, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The backbone by its name in here, or those that are joined."""
        if isinstance(self.backbone, Joined):
            return {f"backbone.{name}": part for name, part in self.backbone.parts.items()}
        return {"backbone": self.backbone}

    @property
    def one_side(self) -> bool:
        """Whether it takes pictures of one side only, for which its positions are."""
        return bool(self.backbone.pretrained_cfg.get("fixed_input_size"))  # type: ignore[operator, union-attr]

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, K]."""
        logits: Tensor = self.head(self.features(pixels_NCHW))
        return logits

    def features(self, pixels_NCHW: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, D]: what the dense layer sees."""
        return self.pool(self.maps(pixels_NCHW))

    def maps(self, pixels_NCHW: Tensor) -> Any:
        """The last maps [N, C, h, w], or a transformer's tokens [N, L, C]; of each that is joined.

        What else an architecture passes on to its own pooling comes as it is.
        """
        return self.backbone.forward_features(pixels_NCHW)  # type: ignore[operator]

    def pool(self, maps: Any) -> Tensor:
        """Maps or tokens to features [N, D], by the architecture's own way."""
        out: Tensor = self.backbone.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return out.flatten(1)


def published_config(line: str) -> "PretrainedCfg":
    """What timm knows of `timm:NAME` or `timm:NAME.TAG`. Raises `UsageError` where it has none."""
    import timm  # brings torch's compiler
    from timm.models import PretrainedCfg

    name = line.removeprefix(PREFIX)
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5])
        also = f"; it has {near}" if near else ""
        raise UsageError(f"timm has no architecture {name!r}{also}")
    try:
        return timm.get_pretrained_cfg(name) or PretrainedCfg()
    except RuntimeError:  # of a tag that it does not know
        architecture = name.split(".")[0]
        tags = ", ".join(timm.list_pretrained(architecture))
        raise UsageError(f"timm has no parameters {name!r}; it has {tags or 'none'}") from None


def published_sides(line: str) -> tuple[int, int]:
    """Sides in pixels of the pictures that `timm:NAME` learnt from, and that it answers best for.

    They are the same where the positions in the picture were learnt with it, as in most
    transformers; elsewhere the second is what timm names for tests, or larger by `ENLARGED`. Joined
    ones see the pictures of the first such transformer, or else of the first.
    """
    configs = [published_config(part) for part in parts_of(line)]
    config = next((config for config in configs if config.fixed_input_size), configs[0])
    side: int = config.input_size[-1]
    if config.fixed_input_size:
        return side, side
    test = config.test_input_size
    return side, test[-1] if test else round(side * ENLARGED)


def build_published(
    line: str,
    classes: int,
    *,
    size: int | None = None,
    parameters: Mapping[str, Tensor] | None = None,
) -> BackboneWithHead:
    """The architecture behind `timm:NAME`, or those behind `timm:NAME+NAME`, an output per class.

    Args:
        line: `timm:NAME`, `timm:NAME.TAG`, or several such names with `+` between them.
        classes: Outputs of its last dense layer, which is new.
        size: Side in pixels of the pictures, for those that take one side only; by default the
            published one.
        parameters: The backbone's, by timm's names or in a form that timm converts; by default they
            are random. Those of a classifier are left out. Of joined ones the names are `Joined`'s.

    Raises:
        UsageError: timm has no such architecture, or it does not take this size.
        RuntimeError: The parameters are of another architecture.

    Examples:
        >>> build_published("timm:resnet18", 2)(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 2])
    """
    parts = parts_of(line)
    if len(parts) == 1:
        return BackboneWithHead(_backbone(line, size=size, parameters=parameters), classes)
    backbones = []
    for k, part in enumerate(parts):
        own = None if parameters is None else Joined.parameters_of(k, parameters)
        backbones.append(_backbone(part, size=size, parameters=own))
    return BackboneWithHead(Joined(backbones), classes)


def _backbone(line: str, *, size: int | None, parameters: Mapping[str, Tensor] | None) -> nn.Module:
    """The architecture behind `timm:NAME` without a classifier."""
    import timm

    config = published_config(line)
    options: dict[str, Any] = {"img_size": size} if config.fixed_input_size and size else {}
    if parameters is not None:
        names = config.classifier or ()
        # some normalise beside their last layer, which is then `l` or `linear`
        classifiers = tuple(
            re.sub(r"\.l(inear)?$", "", name) + "."
            for name in ([names] if isinstance(names, str) else names)
        )
        kept = {k: v for k, v in parameters.items() if not k.startswith(classifiers)}
        if not kept:
            raise RuntimeError("it has no parameters but a classifier's")
        options |= {
            "pretrained": True,
            "pretrained_cfg_overlay": {"state_dict": kept, "classifier": None},
        }
    module: nn.Module = timm.create_model(line.removeprefix(PREFIX), num_classes=0, **options)
    module.pretrained_cfg.pop("state_dict", None)  # type: ignore[operator, union-attr]
    if parameters is not None and not _some_of(module, kept):  # timm lets a few lack anything
        raise RuntimeError("it has none of the network's parameters")
    _check_patches(line, module, size=size)
    return module


def _some_of(module: nn.Module, parameters: Mapping[str, Tensor]) -> bool:
    """Whether any matrix of the module is among these, whatever its name is there."""
    sums = {value.double().sum().item() for value in parameters.values() if value.ndim > 1}
    matrices = (value for value in module.parameters() if value.ndim > 1)
    return any(value.double().sum().item() in sums for value in matrices)


def _check_patches(line: str, module: nn.Module, *, size: int | None) -> None:
    """Raise a `UsageError` where patches would leave a margin of the picture out."""
    patch: Any = getattr(getattr(module, "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    if size and isinstance(side, int) and size % side:
        below = size // side * side
        raise UsageError(
            f"{line} sees patches of {side}×{side} pixels: --size {below or side} or "
            f"{below + side}, not {size}"
        )
