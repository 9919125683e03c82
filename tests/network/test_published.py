"""Published architectures, counted layer by layer."""

import numpy as np
import pytest
import timm
import torch

from convlens.network.backbone import build_published
from convlens.network.published import rows_of
from helpers import package, uninitialised

# fmt: off
ARCHITECTURES = (
    "resnet18", "resnet34", "resnet50", "resnet26d", "wide_resnet50_2", "resnext50_32x4d",
    "seresnet50", "resnetv2_50", "densenet121", "vgg11", "vgg13", "vgg16", "vgg19", "vgg16_bn",
    "mobilenetv2_100", "mobilenetv3_small_100", "mobilenetv3_large_100", "mnasnet_100",
    "efficientnet_b0", "efficientnet_b1", "tf_efficientnet_lite0", "tf_efficientnet_lite1",
    "regnetx_002", "regnety_004", "ghostnet_100", "hardcorenas_a", "fbnetc_100", "spnasnet_100",
    "semnasnet_100", "rexnet_100", "convnext_atto", "dla34", "hrnet_w18_small", "selecsls42b",
    "xception41", "inception_v4",
)
# fmt: on


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_published_architectures_count_as_torchinfo_counts_them(name: str) -> None:
    torchinfo = package("torchinfo")
    with uninitialised():
        module = timm.create_model(name).eval()
    size = 75 if name.startswith(("inception", "xception")) else 64
    rows = list(rows_of(module, size))
    whole = sum(p.numel() for p in module.parameters())
    assert whole == sum(row.counts.parameters for row in rows)
    summary = torchinfo.summary(module, (1, 3, size, size), verbose=0)
    assert summary.total_params == whole
    # torchinfo adds a multiplication per bias and output position, and one per normalised channel
    extra = 0
    for part in summary.summary_list:
        if not part.is_leaf_layer:
            continue
        inner = part.module
        if isinstance(inner, torch.nn.Conv2d | torch.nn.Linear):
            if inner.bias is not None:
                positions = int(np.prod(part.output_size[2:])) if len(part.output_size) > 2 else 1
                extra += inner.bias.numel() * positions
        else:
            extra += part.macs
    ours = sum(row.counts.multiplications for row in rows)
    assert ours == summary.total_mult_adds - extra


def test_products_of_attention_are_counted_too() -> None:
    module = build_published("timm:test_vit", 3, size=64)
    rows = list(rows_of(module, 64))
    tokens, width, blocks = 4 * 4 + 1, 64, 6
    # every token's query with every token's key, and the values weighed by them
    assert rows[-1].counts.multiplications == blocks * 2 * tokens**2 * width
    assert rows[-1].counts.parameters == 0
    assert sum(row.counts.parameters for row in rows) == sum(p.numel() for p in module.parameters())
    assert all(parameter.requires_grad for parameter in module.parameters())  # as it was
