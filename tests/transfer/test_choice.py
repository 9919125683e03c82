"""Which of several backbones is taken, and that its cost is judged on pictures it did not learn."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from convlens import train
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
from convlens.transfer.head import FeatureSet
from convlens.transfer.linear_probe import LinearProbe, fit_linear_probe
from convlens.transfer.pretrained import NetworkChoice, choose_network
from helpers import needs_weights


def probe(signal: float, *, count: int = 120, seed: int = 0) -> LinearProbe:
    """Of features that tell two classes apart the better, the stronger the signal."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    features = torch.randn(count, 1, 20, generator=random)
    features[:, 0, 0] += signal * (2.0 * labels - 1)
    pictures = FeatureSet(features, labels, groups=torch.arange(count))
    return fit_linear_probe(
        pictures, pictures.take(labels < 0), objective=plain_objective(2), seed=0, nested=True
    )


def test_a_slower_backbone_is_taken_only_where_it_is_worth_the_time() -> None:
    weak, alike, strong = probe(1.0), probe(1.0, seed=1), probe(3.0)
    assert weak.loss - strong.loss > GAIN
    assert choose_backbone([weak, strong], "balance") == 1
    assert choose_backbone([strong, weak], "balance") == 0
    assert choose_backbone([weak, strong], "speed") == 0
    better = int(alike.loss < weak.loss)
    assert choose_backbone([weak, alike], "accuracy") == better
    assert choose_backbone([weak, weak, strong], "balance") == 2
    nearly = probe(1.0)
    nearly.pictures.features[0] += 1e-3  # lower or not, by next to nothing: no reason to be slower
    assert choose_backbone([weak, nearly], "balance") == 0


def test_of_few_pictures_that_are_easy_the_fastest_is_taken() -> None:
    plain, plainer = probe(20.0, count=20), probe(40.0, count=20)
    assert 0 < plain.loss - plainer.loss < GAIN
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


def test_joined_features_stand_side_by_side() -> None:
    tables = [FeatureTable(np.arange(3), torch.full((3, 2, width), width)) for width in (4, 5)]
    joined = FeatureTable.joined(tables)
    assert joined.features.shape == (3, 2, 9)
    assert joined.features[0, 0].tolist() == [4] * 4 + [5] * 5


def test_a_bound_that_no_backbone_keeps_is_refused(shapes: Path, tmp_path: Path) -> None:
    needs_weights()
    with pytest.raises(UsageError, match="no backbone answers so fast"):
        train(shapes, tmp_path / "r", size=32, milliseconds=0.1)
