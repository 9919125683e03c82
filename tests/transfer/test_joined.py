"""Several backbones as one: features, sides, what is fixed, the file, a run, and errors.

The oracle is timm's own networks, each run by itself with the same parameters.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from convlens import Detector, describe_network, repeat, train
from convlens.dataset.examples import Examples
from convlens.errors import ConvlensError, UsageError
from convlens.export.export import export
from convlens.export.sliding import sliding
from convlens.network.backbone import BackboneWithHead, published_sides
from convlens.network.joined import Joined
from convlens.network.named import usual_size
from convlens.network.pretrained import WEIGHTS_PACKAGES, imagenet_parameters
from convlens.network.spec import parts_of
from convlens.options import NetworkOptions
from convlens.pictures.resize import Resizer
from convlens.tasks.classification.objective import plain_objective
from convlens.training.mixing import to_train
from convlens.training.model import Model
from convlens.transfer.features import Extraction, FeatureTable, features_of
from convlens.transfer.head import Head
from convlens.transfer.mixing import beside_others, choose_share, first_alone
from convlens.transfer.ood import strangeness_of
from convlens.transfer.pretrained import NetworkChoice, Pretrained, choose_network
from helpers import Convlens, Pixels, assert_clear, draw, needs_weights, save_shapes

SIZE = 64
NORMALISED = "timm:test_convnext+test_convnext2"
OTHER_MEANS = "timm:test_resnet+test_efficientnet"
WITH_TOKENS = "timm:test_efficientnet+test_vit"


def timms_own(line: str, size: int = SIZE) -> list[Any]:
    """What timm itself makes of each, with random parameters, for pictures of this side."""
    torch.manual_seed(3)
    modules = []
    for part in parts_of(line):
        name = part.removeprefix("timm:")
        fixed = timm.get_pretrained_cfg(name).fixed_input_size
        module = timm.create_model(name, num_classes=0, **({"img_size": size} if fixed else {}))
        for key, value in module.state_dict().items():
            if key.endswith("gamma"):  # which begins so near to 0 that all pictures would be alike
                nn.init.ones_(value)
            elif key.endswith("running_mean"):
                nn.init.normal_(value, 0, 0.1)
        modules.append(module.eval())
    return modules


def weights_of(line: str, folder: Path) -> tuple[list[Any], Path]:
    """Timm's own networks, and a file with the parameters of all."""
    own = timms_own(line)
    path = folder / "joined.safetensors"
    save_file(Joined.together([module.state_dict() for module in own]), path)
    return own, path


def pretrained(line: str, weights: Path, classes: int = 3) -> Pretrained:
    module = NetworkChoice(line, str(weights)).module(SIZE, classes=classes)
    assert isinstance(module, Pretrained)
    return module.eval()


def timms_features(own: list[Any], pixels_NCHW: Tensor) -> Tensor:
    """Of each network on pixels as it wants them, side by side."""
    features = []
    for module in own:
        config = timm.data.resolve_model_data_config(module)
        mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        with torch.inference_mode():
            maps = module.forward_features((pixels_NCHW - mean) / std)
            features.append(module.forward_head(maps, pre_logits=True))
    return torch.cat(features, 1)


@pytest.mark.parametrize("line", [NORMALISED, OTHER_MEANS, WITH_TOKENS])
def test_features_are_those_of_each_side_by_side(line: str, tmp_path: Path) -> None:
    own, weights = weights_of(line, tmp_path)
    module = pretrained(line, weights)
    pixels = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    wanted = timms_features(own, pixels)
    assert wanted.std() > 0.01
    for layout in (torch.contiguous_format, torch.channels_last):
        module.to(memory_format=layout)
        with torch.inference_mode():
            assert torch.allclose(module.features(pixels), wanted, atol=1e-5)
    assert module.published.one_side == (line == WITH_TOKENS)


def test_features_that_were_computed_apart_are_those_computed_together(tmp_path: Path) -> None:
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.uint8)
    examples = Examples(pixels, np.arange(4), labels=np.arange(4) % 2, classes=2)
    together, *apart = (
        Extraction(pretrained(line, Path(file)), examples).table(lambda *_: None)
        for line, file in (
            (OTHER_MEANS, str(weights)),
            *((part, _alone(k, tmp_path)) for k, part in enumerate(parts_of(OTHER_MEANS))),
        )
    )
    assert len(together.parts) == len(apart)
    for one, other in zip(together.parts, FeatureTable.joined(apart).parts, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_what_is_tuned_alone_is_known_by_its_own_parameters(tmp_path: Path) -> None:
    line, (_, weights) = OTHER_MEANS, weights_of(OTHER_MEANS, tmp_path)
    choice = NetworkChoice(line, str(weights))
    model = Model(
        describe_network(line, SIZE, classes=3),
        choice,
        module=choice.module(SIZE, classes=3),
        folds=1,
    )
    job: Any = SimpleNamespace(dataset=SimpleNamespace(store=SimpleNamespace(size=SIZE)))
    _, chosen, begun = to_train(job, model)
    assert chosen.choice == choice
    assert begun.choice.line == begun.architecture.text == parts_of(line)[0]


def test_of_each_the_first_layers_are_fixed(tmp_path: Path) -> None:
    module = pretrained(WITH_TOKENS, weights_of(WITH_TOKENS, tmp_path)[1])
    for k, part in enumerate(parts_of(WITH_TOKENS)):
        prefix = f"layers.backbone.backbones.{k}."
        own = dict(module.named_parameters())
        free = {
            name.removeprefix(prefix)
            for name, value in own.items()
            if name.startswith(prefix) and value.requires_grad
        }
        alone = NetworkChoice(part, _alone(k, tmp_path)).module(SIZE, classes=3)
        assert free == {
            name.removeprefix("layers.backbone.")
            for name, value in alone.named_parameters()
            if value.requires_grad and ".backbone." in name
        }


def _alone(k: int, folder: Path) -> str:
    path = folder / f"{k}.safetensors"
    save_file(Joined.parameters_of(k, load_file(folder / "joined.safetensors")), path)
    return str(path)


@pytest.mark.parametrize("line", [NORMALISED, OTHER_MEANS])
def test_the_file_answers_as_timms_networks_do(line: str, tmp_path: Path) -> None:
    own, weights = weights_of(line, tmp_path)
    module, image = pretrained(line, weights), draw("disc", 99, 90, 70)
    features, others = (timms_features(own, seen(p)) for p in (image, draw("cross", 98)))
    with torch.no_grad():  # logits of about 1 for the one, and 0 for the other
        nn.init.normal_(module.head.weight, generator=torch.Generator().manual_seed(0))
        module.head.weight.div_((features - others).norm())
        module.head.bias.copy_(-module.head.weight @ others[0])
        wanted = module.head(features).softmax(1)[0].numpy()
    assert np.ptp(wanted) > 0.1
    file = export(module, SIZE, labels=["a", "b", "c"], metadata={}, objective=plain_objective(3))
    (tmp_path / "detector.onnx").write_bytes(file)
    detector = Detector(tmp_path / "detector.onnx")
    assert np.abs(detector.probabilities(image) - wanted).max() < 1e-4
    assert np.ptp(detector.probabilities(draw("cross", 98))) < 1e-4
    assert json.loads(detector.metadata["slides"])["stride"] == 32


def seen(image: Pixels) -> Tensor:
    """Pixels [1, 3, SIZE, SIZE] from 0 to 1."""
    return torch.from_numpy(np.array(Resizer(SIZE)(image))).permute(2, 0, 1)[None] / 255


@pytest.mark.trains
@pytest.mark.usefixtures("spared")
def test_a_run_is_repeated_to_the_same_bytes_and_begins_another(tmp_path: Path) -> None:
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    run = train(
        save_shapes(tmp_path / "p", 10),
        tmp_path / "r",
        network=OTHER_MEANS,
        weights=str(weights),
        size=SIZE,
        seed=1,
        steps=2,
        batch="16",
        compute="float32",
        threads=1,
    )
    begun = run.folder / "parameters.safetensors"
    assert Detector(run.detector).metadata["network"] == OTHER_MEANS
    assert choose_network(NetworkOptions(weights=str(begun))).line == OTHER_MEANS
    learnt, other = load_file(begun), pretrained(OTHER_MEANS, begun, classes=4)
    for name, value in other.state_dict().items():
        assert "head" in name or name == "temperature" or torch.equal(value, learnt[name])
    again = repeat(run.folder, tmp_path / "again")
    assert again.detector.read_bytes() == run.detector.read_bytes()


def test_a_tuned_one_beside_others_answers_with_the_mean_of_both(tmp_path: Path) -> None:
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    joined = pretrained(OTHER_MEANS, weights)
    tuned = first_alone(joined).eval()
    fixed = [parameter.requires_grad for parameter in tuned.parameters()]
    assert True in fixed and False in fixed
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape))
    pixels, width = seen(draw("disc", 1)), tuned.head.in_features
    before = joined.features(pixels)
    others = Head(torch.randn(3, before.shape[1] - width), torch.randn(3), C=1.0)
    both = beside_others(joined, tuned, others=others, share=0.25)
    expected = 0.25 * tuned(pixels) + 0.75 * others.logits(before[:, width:])
    assert both(pixels).detach().numpy() == pytest.approx(expected.detach().numpy(), abs=1e-4)
    assert torch.equal(joined.features(pixels), before)  # which is left as it was


def test_what_is_usual_is_computed_anew_of_the_tuned_one_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    module = pretrained(OTHER_MEANS, weights)
    pixels = np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE, 3)).astype(np.uint8)
    train = Examples(pixels, np.arange(12), labels=np.arange(12) % 2, classes=2)
    features = torch.from_numpy(features_of(module, train, progress=lambda *_: None))
    width = first_alone(module).head.in_features
    some = np.arange(2, 12)  # of very many pictures not all have their features
    beside = FeatureTable(some, (features[2:, :, width:],))
    asked: list[Pretrained] = []

    def listened(module: Pretrained, train: Examples, **options: Any) -> Any:
        asked.append(module)
        return features_of(module, train, **options)

    monkeypatch.setattr("convlens.transfer.ood.features_of", listened)
    options: Any = {"known": None, "seed": 0, "progress": lambda *_: None}
    whole = strangeness_of(module, train.take(some), **options)
    apart = strangeness_of(module, train, beside=beside, **options)
    assert [one.head.in_features for one in asked] == [features.shape[2], width]
    judged = features.mean(1)
    assert apart(judged).numpy() == pytest.approx(whole(judged).numpy(), rel=1e-3)


def test_the_share_in_the_mean_is_the_one_with_the_lowest_loss() -> None:
    labels = torch.arange(400) % 2
    right = 2 * nn.functional.one_hot(labels).float()
    torch.manual_seed(0)
    noisy, noisier = (right + 2 * torch.randn(400, 2) for _ in range(2))
    objective = plain_objective(2)
    share = choose_share(noisy, noisier, labels, objective=objective)
    assert share == 0.5  # as both err alike, and apart
    assert choose_share(right, torch.randn(400, 2), labels, objective=objective) == 1


@pytest.mark.trains
@pytest.mark.usefixtures("spared")
def test_the_first_is_fine_tuned_and_the_others_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convlens.training.mixing.choose_share", lambda *_, **__: 0.5)
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    drawn = save_shapes(tmp_path / "drawn", 50)
    for number, path in enumerate(sorted(drawn.glob("*/*"))):
        split = "val" if number % 5 < 3 else "train"
        (tmp_path / "p" / split / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(tmp_path / "p" / split / path.parent.name / path.name)
    run = train(
        tmp_path / "p",
        tmp_path / "r",
        network=OTHER_MEANS,
        weights=str(weights),
        size=SIZE,
        steps=12,
        augment="none",
        compute="float32",
        threads=1,
    )
    assert run.metrics["tried"]["fine-tuned"]
    assert Detector(run.detector).metadata["network"] == OTHER_MEANS
    learnt, begun = load_file(run.folder / "parameters.safetensors"), load_file(weights)
    changed = {
        name.split(".")[1]
        for name, value in begun.items()
        if not torch.equal(value, learnt[f"layers.backbone.{name}"])
    }
    assert changed == {"0"}


@pytest.mark.parametrize("line", [NORMALISED, OTHER_MEANS])
def test_windows_of_joined_networks_answer_as_cut_out_by_themselves(
    line: str, tmp_path: Path
) -> None:
    module = pretrained(line, weights_of(line, tmp_path)[1])
    nn.init.normal_(module.head.weight)
    slid = sliding(module, SIZE)
    assert slid is not None
    pixels = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits, features = slid(pixels)
        assert torch.allclose(logits.flatten(1), module(pixels), atol=1e-4)
        assert torch.allclose(features.flatten(1), module.features(pixels), atol=1e-5)
        assert slid(torch.rand(1, 3, SIZE + 64, SIZE + 32))[0].shape == (1, 3, 3, 2)


def test_tokens_and_maps_of_other_grids_have_no_windows(tmp_path: Path) -> None:
    assert sliding(pretrained(WITH_TOKENS, weights_of(WITH_TOKENS, tmp_path)[1]), SIZE) is None
    alike = [
        timm.create_model("test_resnet", num_classes=0, output_stride=stride) for stride in (32, 16)
    ]
    module = Pretrained(BackboneWithHead(Joined(alike), 3), (0.5,) * 3, std=(0.5,) * 3).eval()
    assert sliding(module, SIZE) is None
    pixels = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        assert torch.allclose(module.features(pixels), timms_features(alike, pixels), atol=1e-5)


def test_a_table_has_the_layers_of_each() -> None:
    joined = describe_network(OTHER_MEANS, SIZE, classes=3)
    first, second = (describe_network(part, SIZE, classes=3) for part in parts_of(OTHER_MEANS))
    assert joined.text == OTHER_MEANS
    total, one, other = (network.total() for network in (joined, first, second))
    assert total.parameters == one.parameters + other.parameters - 3  # one bias per class, not two
    assert total.multiplications == one.multiplications + other.multiplications


def test_pictures_have_the_first_ones_side_or_that_of_positions() -> None:
    lite = "timm:tf_efficientnet_lite0+tf_efficientnet_lite2"
    assert published_sides(lite) == (224, 288)
    assert usual_size(lite) == 224
    assert NetworkChoice(lite, "package").usual_size == 288
    assert published_sides("timm:resnet50+vit_small_patch14_dinov2") == (518, 518)


def test_packages_give_the_parameters_of_each() -> None:
    fast, _, large = WEIGHTS_PACKAGES
    needs_weights(fast.package)
    needs_weights(large.package)
    choice = choose_network(NetworkOptions(network="efficientnet-lite0+efficientnet-lite2"))
    assert choice == NetworkChoice(f"{fast.line}+{large.architecture}", "package")
    module = choice.module(SIZE, classes=2)
    own = module.state_dict()
    for k, known in enumerate((fast, large)):
        wanted = imagenet_parameters(known)
        held = Joined.parameters_of(k, {n.removeprefix("layers.backbone."): own[n] for n in own})
        assert all(torch.equal(value, wanted[name]) for name, value in held.items())
    origin = choice.origin(2)
    assert origin.sha256 == f"{fast.sha256} + {large.sha256}"
    assert fast.package in origin.words
    assert large.package in origin.words


def test_what_cannot_be_joined_is_told(convlens: Convlens, tmp_path: Path) -> None:
    for line, says in (
        ("timm:resnet18+", r"timm:resnet18\+: \+ joins two of timm's names"),
        ("timm:resnet18+resnet18", "sees no more than alone"),
        ("timm:resnet18+resnet19", "no architecture 'resnet19'; it has"),
    ):
        with pytest.raises(UsageError, match=says):
            describe_network(line, SIZE)
        with pytest.raises(UsageError, match=says):
            NetworkChoice(line, "hub").check(None)
    with pytest.raises(UsageError, match="patches of 16×16 pixels: --size 64 or 80, not 70"):
        NetworkChoice(WITH_TOKENS, "none").check(70)
    _, weights = weights_of(OTHER_MEANS, tmp_path)
    with pytest.raises(ConvlensError, match=r"it has no parameters under backbones\.2"):
        NetworkChoice(f"{OTHER_MEANS}+test_vit", str(weights)).check(None)
    with pytest.raises(UsageError, match="there are none for 'timm:resnet18"):
        choose_network(
            NetworkOptions(network="timm:resnet18+tf_efficientnet_lite0", weights="package")
        )
    done = convlens("networks", "timm:resnet18+")
    assert_clear(done, 2, "joins two of timm's names")
