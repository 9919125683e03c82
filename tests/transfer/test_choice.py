"""Which of several backbones is taken, and that its cost is judged on pictures it did not learn."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from convlens import train
from convlens.dataset.examples import Examples
from convlens.errors import UsageError
from convlens.options import NetworkOptions, TrainOptions
from convlens.tasks.classification.objective import plain_objective
from convlens.training import backbones
from convlens.transfer.backbones import (
    GAIN,
    backbone_lines,
    by_speed,
    choose_backbone,
    further_lines,
)
from convlens.transfer.features import FeatureTable
from convlens.transfer.head import FeatureSet, fit_heads
from convlens.transfer.linear_probe import LinearProbe, fit_linear_probe
from convlens.transfer.pretrained import NetworkChoice, choose_network
from helpers import needs_weights


def probe(signal: float, *, count: int = 120, seed: int = 0) -> LinearProbe:
    """Of features that tell two classes apart the better, the stronger the signal."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    features = torch.randn(count, 1, 20, generator=random)
    features[:, 0, 0] += signal * (2.0 * labels - 1)
    pictures = FeatureSet((features,), labels, groups=torch.arange(count))
    return fit_linear_probe(pictures, objective=plain_objective(2), seed=0, nested=True)


def cost(probe: LinearProbe) -> float:
    assert probe.loss is not None
    return probe.loss


def test_a_slower_backbone_is_taken_only_where_it_is_worth_the_time() -> None:
    weak, alike, strong = probe(1.0), probe(1.0, seed=1), probe(3.0)
    assert cost(weak) - cost(strong) > GAIN
    assert choose_backbone([weak, strong], "balance") == 1
    assert choose_backbone([strong, weak], "balance") == 0
    assert choose_backbone([weak, strong], "speed") == 0
    better = int(cost(alike) < cost(weak))
    assert choose_backbone([weak, alike], "accuracy") == better
    assert choose_backbone([weak, weak, strong], "balance") == 2
    nearly = probe(1.0)
    nearly.pictures.parts[0][0] += 1e-3  # lower or not, by next to nothing: no reason to be slower
    assert choose_backbone([weak, nearly], "balance") == 0


def test_of_few_pictures_that_are_easy_the_fastest_is_taken() -> None:
    plain, plainer = probe(20.0, count=20), probe(40.0, count=20)
    assert 0 < cost(plain) - cost(plainer) < GAIN
    assert choose_backbone([plain, plainer], "balance") == 0
    assert choose_backbone([plain, plainer], "accuracy") == 1


def test_every_fold_chooses_without_its_own_pictures() -> None:
    good, bad = probe(2.0), probe(2.0)
    own = bad.fold == 0
    bad.pictures.labels[own] = 1 - bad.pictures.labels[own]  # wrong in that fold only
    assert choose_backbone([bad, good], "balance") == 1
    assert choose_backbone([bad, good], "balance", without=0) == 0


def test_what_comes_into_question() -> None:
    needs_weights()
    fast, large = "timm:tf_efficientnet_lite0", "timm:tf_efficientnet_lite2"
    lines = backbone_lines(NetworkOptions(), choose_network(NetworkOptions()))
    both = f"{fast}+tf_efficientnet_lite2"
    assert lines == (fast, large, both)
    for options in (NetworkOptions(prefer="speed"), NetworkOptions(network="efficientnet-lite0")):
        assert backbone_lines(options, choose_network(options)) == (fast,)
    assert backbone_lines(NetworkOptions(), NetworkChoice(both, "none")) == (both,)


def test_the_rest_comes_into_question_where_much_is_left_to_gain() -> None:
    needs_weights()
    options = NetworkOptions()
    choice = choose_network(options)
    fast, large, both = backbone_lines(options, choice)
    weak, strong = probe(1.0), probe(4.0)
    between = fast.replace("lite0", "lite1")
    tried = dict.fromkeys((fast, large, both), weak)
    everything = f"{fast}+tf_efficientnet_lite1+tf_efficientnet_lite2"
    assert further_lines(options, choice, tried) == (between, everything)
    assert by_speed((*tried, between, everything)) == (fast, between, large, both, everything)
    assert further_lines(options, choice, {**tried, both: strong}) == ()
    assert further_lines(NetworkOptions(prefer="speed"), choice, {fast: weak}) == ()
    named = NetworkOptions(network="efficientnet-lite0")
    assert further_lines(named, choose_network(named), {fast: weak}) == ()


@pytest.mark.parametrize(("most", "left"), [(None, 3), (50, 3), (49, 2), (20, 1)])
def test_joined_ones_take_the_time_of_each(
    most: float | None, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"timm:a": 0.02, "timm:b": 0.03}
    lines = ("timm:a", "timm:b", "timm:a+b")
    monkeypatch.setattr(backbones, "_pretrained", lambda _job, _choice, line: line)
    monkeypatch.setattr(backbones, "seconds_per_picture", lambda line, _size: seconds[line])
    said: list[str] = []
    job: Any = SimpleNamespace(
        options=TrainOptions(network=NetworkOptions(milliseconds=most)),
        dataset=SimpleNamespace(store=SimpleNamespace(size=64)),
        callback=SimpleNamespace(say=said.append),
    )
    assert backbones._fast_enough(job, NetworkChoice("timm:a", "package"), lines) == lines[:left]
    assert said == (
        [] if most is None else ["speed:   per picture on one core: a 20 ms, b 30 ms, a+b 50 ms"]
    )


def test_joined_features_count_as_side_by_side() -> None:
    tables = [
        FeatureTable(np.arange(3), (torch.full((3, 2, width), float(width)),)) for width in (4, 5)
    ]
    pictures = Examples(
        np.zeros((3, 8, 8, 3), np.uint8), np.arange(3), labels=np.arange(3) % 2, classes=2
    )
    pooled = FeatureTable.joined(tables).of(pictures).pooled(slice(2))
    assert pooled.tolist() == [[4] * 4 + [5] * 5] * 2


@pytest.mark.parametrize("count", [20, 5000])
def test_a_head_on_joined_features_is_that_on_one_table_of_them(count: int) -> None:
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    whole = torch.randn(count, 2, 30, generator=random)
    whole[:, :, 12] += labels[:, None]
    parts = torch.split(whole, [10, 20], 2)
    used = torch.ones(1, count, dtype=torch.bool)
    heads = [
        fit_heads(
            FeatureSet(features, labels, groups=torch.arange(count)),
            used,
            objective=plain_objective(2),
            C=[0.1],
        )
        for features in ((whole,), parts)
    ]
    [[[one]], [[other]]] = [list(head) for head in heads]
    assert torch.allclose(one.weight, other.weight, atol=1e-5)


def test_a_bound_that_no_backbone_keeps_is_refused(shapes: Path, tmp_path: Path) -> None:
    needs_weights()
    with pytest.raises(UsageError, match="no backbone answers so fast"):
        train(shapes, tmp_path / "r", size=32, milliseconds=0.1)


def test_a_bound_leaves_out_what_is_slower_and_what_is_usually_tried_later(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setattr("convlens.transfer.backbones.HARD", 0)  # so the rest would be tried too
    seconds = iter([0.02, 0.03])
    monkeypatch.setattr(backbones, "seconds_per_picture", lambda *_: next(seconds))
    run = train(shapes, tmp_path / "r", size=32, milliseconds=40, steps=0)
    record = json.loads((run.folder / "run.json").read_text())
    names = ["timm:tf_efficientnet_lite0", "timm:tf_efficientnet_lite2"]  # together: 50 ms
    assert record["plan"]["backbones"] == names
    assert record["network"]["network"] in names


def test_features_are_not_copied_for_all_pictures_that_they_are_of() -> None:
    rows = np.array([0, 1, 1])  # equal pictures share a row
    table = FeatureTable(rows, (torch.randn(3, 2, 4),))
    pixels = np.zeros((2, 8, 8, 3), np.uint8)
    pictures = Examples(pixels, rows, labels=np.array([0, 1, 1]), classes=2)
    assert table.of(pictures).parts[0].data_ptr() == table.parts[0].data_ptr()
    some = table.of(pictures.take(np.array([1])))
    assert torch.equal(some.parts[0][0], table.parts[0][2])
