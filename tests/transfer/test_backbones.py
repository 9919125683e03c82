"""Any of timm's architectures as a backbone: features, sides, what is fixed, the file, and errors.

The oracle is timm's own network with the same parameters.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from convlens import Detector, resume, train
from convlens.engine.distributed import SINGLE_PROCESS
from convlens.errors import ConvlensError, UsageError
from convlens.network.backbone import build_published, published_sides
from convlens.options import NetworkOptions
from convlens.pictures.resize import Resizer
from convlens.training.plan import RunPlan
from convlens.training.rehearsal import _sides
from convlens.training.run_folder import RunFolder
from convlens.transfer.pretrained import NetworkChoice, Pretrained, choose_network
from helpers import SMALL, Convlens, assert_clear, draw, save_shapes

SIZE = 64
FAMILIES = {
    "test_vit": 7,  # a class token; positions for 160 pixels
    "test_vit3": 0,  # pooled by attention, as SigLIP's
    "test_vit2": 0,  # tokens averaged, and a register
    "test_convnext": 1000,
    "test_resnet": 2,
}
"""Small networks of timm's, and how many classes their classifier has: none, as many, or others."""


def weights_of(name: str, folder: Path, **options: Any) -> Path:
    """A file as timm keeps them, of random parameters."""
    torch.manual_seed(3)
    module = timm.create_model(name, num_classes=FAMILIES.get(name, 5), **options)
    for key, value in module.state_dict().items():
        if key.endswith("gamma"):  # which begins so near to 0 that all pictures would be alike
            nn.init.ones_(value)
        elif key.endswith("running_mean"):
            nn.init.normal_(value, 0, 0.1)
    path = folder / f"{name}.safetensors"
    save_file(module.state_dict(), path)
    return path


def timms_own(name: str, weights: Path, size: int) -> nn.Module:
    """What timm itself makes of the file, for pictures of this side."""
    fixed = timm.get_pretrained_cfg(name).fixed_input_size
    module: nn.Module = timm.create_model(
        name,
        pretrained=True,
        num_classes=FAMILIES[name],
        pretrained_cfg_overlay={"file": str(weights), "num_classes": FAMILIES[name]},
        **({"img_size": size} if fixed else {}),
    )
    return module.eval()


def pretrained(name: str, weights: Path, size: int = SIZE, classes: int = 3) -> Pretrained:
    module = NetworkChoice(f"timm:{name}", str(weights)).module(size, classes=classes)
    assert isinstance(module, Pretrained)
    return module.eval()


def timms_features(name: str, own: Any, pixels_NCHW: Tensor) -> Tensor:
    config = timm.data.resolve_model_data_config(own)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        maps = own.forward_features((pixels_NCHW - mean) / std)
        features: Tensor = own.forward_head(maps, pre_logits=True)
    return features


@pytest.mark.trains
@pytest.mark.usefixtures("spared")
@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "test_vit2"])
def test_every_family_is_trained_from_a_file_and_its_detector_answers_as_timm_does(
    name: str, tmp_path: Path
) -> None:
    weights = weights_of(name, tmp_path)
    pictures = save_shapes(tmp_path / "p", 10)
    tuned: Any = {"steps": 2, "compute": "float32", "batch": "16"} if name == "test_vit" else {}
    run = train(
        pictures,
        tmp_path / "r",
        network=f"timm:{name}",
        weights=str(weights),
        size=SIZE,
        seed=1,
        augment="none",
        **tuned,
    )
    learnt = load_file(run.folder / "parameters.safetensors")
    backbone = {
        key.removeprefix("layers.backbone."): value
        for key, value in learnt.items()
        if key.startswith("layers.backbone.")
    }
    own = timms_own(name, weights, SIZE)
    given = own.state_dict()
    assert all(torch.equal(backbone[key], given[key]) for key in backbone)
    detector, image = Detector(run.detector), draw("disc", 99, 90, 70)
    seen = torch.from_numpy(np.array(Resizer(SIZE)(image))).permute(2, 0, 1)[None] / 255
    features = timms_features(name, own, seen)
    logits = features @ learnt["layers.head.weight"].T + learnt["layers.head.bias"]
    wanted = (logits / learnt["temperature"]).softmax(1)[0].numpy()
    assert np.abs(detector.probabilities(image) - wanted).max() < 1e-5
    assert np.abs(detector.probabilities(draw("cross", 98)) - wanted).max() > 1e-3
    assert detector.predict(image).strangeness is not None
    slides = "slides" in detector.metadata
    assert slides == (name in {"test_convnext", "test_resnet"})
    record = json.loads((run.folder / "run.json").read_text())
    assert record["weights"]["file"] == str(weights)
    assert record["weights"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    folder = RunFolder(run.folder)
    assert folder.recorded(SINGLE_PROCESS)[0].choice.weights == str(weights)
    save_file({**load_file(weights), "one": torch.ones(1)}, weights)
    with pytest.raises(ConvlensError, match="is not what this run began with"):
        resume(run.folder)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("size", [SIZE, 160])
def test_features_are_timms_at_any_side(name: str, size: int, tmp_path: Path) -> None:
    weights = weights_of(name, tmp_path)
    module, own = pretrained(name, weights, size), timms_own(name, weights, size)
    pixels = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = module.features(pixels)
    assert torch.allclose(features, timms_features(name, own, pixels), atol=1e-5)
    assert module(pixels).shape == (2, 3)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_comes_first_is_fixed_positions_too(name: str, tmp_path: Path) -> None:
    module = pretrained(name, weights_of(name, tmp_path))
    free = {key for key, value in module.named_parameters() if value.requires_grad}
    fixed = {key for key, value in module.named_parameters() if not value.requires_grad}
    assert {"layers.head.weight", "layers.head.bias"} <= free
    stems = ("patch_embed", "pos_embed", "cls_token", "reg_token", "stem", "conv1")
    assert not any(key.removeprefix("layers.backbone.").startswith(stems) for key in free)
    module.train()
    module(torch.rand(2, 3, SIZE, SIZE)).square().sum().backward()
    assert all((p.grad is None) == (key in fixed) for key, p in module.named_parameters())


def test_the_side_is_the_published_one_and_only_convolutions_see_more() -> None:
    for name, sides in {
        "vit_small_patch14_dinov2": (518, 518),
        "vit_base_patch16_siglip_224": (224, 224),
        "vit_small_patch16_224": (224, 224),
        "swin_tiny_patch4_window7_224": (224, 224),
        "resnet50": (224, 288),  # timm's own side for tests
        "resnet50.tv_in1k": (224, 288),  # 9/7
        "convnext_tiny": (224, 288),
        "tf_efficientnet_lite0": (224, 288),
    }.items():
        line = f"timm:{name}"
        assert published_sides(line) == sides
        assert NetworkChoice(line, "hub").usual_size == sides[1]
        assert NetworkChoice(line, "none").usual_size == sides[0]


def test_what_takes_one_side_is_fine_tuned_at_it() -> None:
    for name, side in (("vit_small_patch14_dinov2", 518), ("resnet50", 224)):
        plan = RunPlan(
            size=published_sides(f"timm:{name}")[1],
            network=f"timm:{name}",
            weights="hub",
            augment="crop",
            batch=8,
            steps=None,
            compute="float32",
            threads=1,
        )
        architecture: Any = None  # pretrained ones are not asked
        assert _sides(architecture, plan, cropped=True) == [(1.0, side)]


def test_patches_that_leave_a_margin_out_are_refused() -> None:
    with pytest.raises(UsageError, match="patches of 16×16 pixels: --size 64 or 80, not 70"):
        build_published("timm:test_vit", 2, size=70)


def test_a_classifier_of_another_kind_gives_way_to_a_dense_layer() -> None:
    for name in ("levit_128s", "deit_tiny_distilled_patch16_224"):  # normalised; two of them
        own = timm.create_model(name)
        assert not isinstance(own.get_classifier(), nn.Linear)
        layers = build_published(f"timm:{name}", 3, parameters=own.state_dict())
        assert layers(torch.rand(1, 3, 224, 224)).shape == (1, 3)


def test_parameters_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    weights = weights_of("test_resnet", tmp_path)
    with pytest.raises(ConvlensError, match="does not fit the network 'timm:test_vit'") as raised:
        NetworkChoice("timm:test_vit", str(weights)).check(None)
    said = (
        r"it lacks cls_token, it has (conv1|bn1|layer\d|fc)\.\S+, which the network has not: give"
    )
    assert re.search(said, str(raised.value))
    NetworkChoice("timm:test_resnet", str(weights)).check(None)
    with pytest.raises(ConvlensError, match="it has none of the network's parameters"):
        NetworkChoice("timm:dla46_c", str(weights)).check(None)  # with which timm is lenient
    parameters = load_file(weights)
    parameters["layer1.0.conv1.weight"] = torch.zeros(3, 3)
    save_file(parameters, weights)
    with pytest.raises(ConvlensError, match=r"size mismatch for layer1\.0\.conv1\.weight"):
        NetworkChoice("timm:test_resnet", str(weights)).check(None)


def test_a_run_of_another_number_of_classes_gives_features(tmp_path: Path) -> None:
    first = pretrained("test_resnet", weights_of("test_resnet", tmp_path), classes=2)
    first.mean.fill_(0.3)
    torch.nn.init.normal_(first.head.weight)
    save_file(first.state_dict(), tmp_path / "parameters.safetensors")
    second = pretrained("test_resnet", tmp_path / "parameters.safetensors", classes=4)
    pixels = torch.rand(2, 3, SIZE, SIZE)
    with torch.inference_mode():
        assert torch.equal(first.features(pixels), second.features(pixels))
    assert second.head.weight.abs().max() == 0
    assert second.temperature == 1


def test_a_run_of_a_network_as_text_goes_on_with_all_but_the_last_layer(run: Path) -> None:
    weights = run / "parameters.safetensors"
    line, before = SMALL["network"], load_file(weights)
    for classes in (2, 3):
        module = NetworkChoice(line, str(weights)).module(24, classes=classes)
        now = module.state_dict()
        new = {
            name for name in before if name != "temperature" and not now[name].equal(before[name])
        }
        assert new == (set() if classes == 2 else {"layers.10.1.weight", "layers.10.1.bias"})
        told = NetworkChoice(line, str(weights)).origin(classes).words
        assert ("every layer's" if classes == 2 else "but for the last layer") in told


def test_the_network_is_the_one_that_is_named_beside_the_file(run: Path, tmp_path: Path) -> None:
    beside = NetworkOptions(weights=str(run / "parameters.safetensors"))
    assert choose_network(beside).line == SMALL["network"]
    weights = weights_of("test_resnet", tmp_path)
    options = NetworkOptions(weights=str(weights))
    assert choose_network(options).line == "auto"
    for config, line in (
        ({"architecture": "test_resnet", "pretrained_cfg": {"tag": "r160_in1k"}}, ".r160_in1k"),
        ({"architecture": "test_resnet", "tag": "my own"}, ""),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert choose_network(options).line == f"timm:test_resnet{line}"
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Dinov2Model"]}))
    assert choose_network(options).line == "auto"


def test_wrong_weights_are_told_before_any_picture_is_read(
    convlens: Convlens, shapes: Path, tmp_path: Path
) -> None:
    weights = weights_of("test_resnet", tmp_path)
    (tmp_path / "text.safetensors").write_text("nothing of the kind")
    for words, status, says in (
        (("--weights", "old.pth"), 2, "convert it where you trust it: python -c"),
        (("--weights", weights, "--network", "timm:test_vit"), 1, "it lacks cls_token"),
        (("--weights", weights, "--network", "timm:nonesuch"), 2, "no architecture 'nonesuch'"),
        (("--weights", "hub", "--network", "timm:test_maxvit"), 2, "knows of none"),
        (("--weights", "none", "--network", "timm:test_vit", "--size", "70"), 2, "--size 64 or 80"),
        (("--weights", "gone.safetensors", "--network", "resnet18"), 1, "No such file"),
        (
            ("--weights", tmp_path / "text.safetensors", "--network", "resnet18"),
            1,
            "is not a safetensors file",
        ),
    ):
        done = convlens("train", shapes, "--out", tmp_path / "r", *words)
        assert_clear(done, status, says)
        assert "notes.txt" not in done.stderr  # which reading the pictures would tell of
        assert not (tmp_path / "r").exists()
