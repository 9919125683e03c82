"""What is known of the pictures before training is said, or refused, before it."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from convlens.engine.callbacks import NullCallback
from convlens.engine.distributed import SINGLE_PROCESS
from convlens.errors import ConvlensError, UsageError
from convlens.options import options_from
from convlens.parallel import at_most, cores
from convlens.pictures.splits import Split
from convlens.stopwatch import Stopwatch
from convlens.training import backbones
from convlens.training.job import Job, Request, choose_folds, prepare_job
from convlens.training.run_folder import RunFolder
from convlens.training.train import repeat, train
from convlens.transfer.pretrained import NetworkChoice, choose_network
from helpers import SMALL, save_class, save_shapes


class Heard(NullCallback):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def prepared(folder: Path, groups: int, **more: float) -> tuple[Job, list[str]]:
    """Twenty discs and crosses, each kind in so many groups, and what is said of them."""
    save_shapes(folder, 20)
    rows = [f"{k}/{n:03}.png,{k},{k}{n % groups}\n" for k in ("disc", "cross") for n in range(20)]
    (folder / "table.csv").write_text("path,label,group\n" + "".join(rows))
    options = options_from(SMALL | more)
    request = Request(folder / "table.csv", options, choice=choose_network(options.network))
    heard = Heard()
    job = prepare_job(request, workers=SINGLE_PROCESS, callback=heard, stopwatch=Stopwatch())
    return job, [text for text in heard.warnings if "held out" in text]


def test_where_groups_leave_a_split_empty_it_is_said_why(tmp_path: Path) -> None:
    job, warnings = prepared(tmp_path, 1)
    assert job.dataset.split.counts() == {"train": 40}
    test, val = warnings
    assert "there will be no figures" in test
    assert "2, the largest of 20 of 40 pictures: give smaller groups" in test
    assert "for validation" in val
    assert prepared(tmp_path, 1, test_fraction=0, val_fraction=0)[1] == []
    (val,) = prepared(tmp_path, 2)[1]
    assert "for validation" in val
    assert prepared(tmp_path, 10)[1] == []


def told(pictures: Path) -> list[str]:
    """What is said of what is not held out."""
    options = options_from(SMALL)
    request = Request(pictures, options, choice=choose_network(options.network))
    heard = Heard()
    prepare_job(request, workers=SINGLE_PROCESS, callback=heard, stopwatch=Stopwatch())
    return [text for text in heard.warnings if "held out" in text]


def test_why_nothing_is_held_out_where_no_set_is_to_blame(tmp_path: Path) -> None:
    few = told(save_shapes(tmp_path / "few", 1))
    assert [text.split(": ", 1)[1] for text in few] == [
        "there are too few, 2 of 2 classes: add some"
    ] * 2
    save_shapes(tmp_path / "named" / "train", 10)
    save_class(tmp_path / "named" / "test" / "unknown", "disc", 3, first=50)
    (test,) = told(tmp_path / "named")
    assert test.endswith(
        "there will be no figures: all that the data holds out as 'test' are left out"
    )


def test_one_set_has_no_folds(tmp_path: Path) -> None:
    job, _ = prepared(tmp_path, 10)
    one = Split(job.dataset.split.assigned, (0,) * 40)
    dataset = replace(job.dataset, split=one)
    options = options_from({"network": "auto"})
    assert (
        choose_folds(
            options, job.dataset, choice=NetworkChoice("timm:tf_efficientnet_lite0", "package")
        )
        > 1
    )
    assert (
        choose_folds(
            options, dataset, choice=NetworkChoice("timm:tf_efficientnet_lite0", "package")
        )
        == 1
    )
    with pytest.raises(UsageError, match="--folds: all pictures are of one group"):
        choose_folds(
            options_from({"folds": 5}),
            dataset,
            choice=NetworkChoice("timm:tf_efficientnet_lite0", "package"),
        )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"recall": "ring=0.9"}, "no validation picture is of class 'ring'"),
        ({"recall": "circle=0.9"}, "there is no class 'circle'"),
        ({"costs": "disc>circle=2"}, "there is no class 'circle'"),
        ({"coverage": 0.9}, "a class is called so"),
        ({"folds": 3}, "names its held-out pictures"),
        ({"augment": "spin"}, "spin"),
    ],
)
def test_what_can_be_known_to_fail_ends_before_a_network_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], says: str
) -> None:
    def made(*_: object, **__: object) -> None:
        pytest.fail("it went on")

    monkeypatch.setattr("convlens.training.classes.build_model", made)
    for split, kinds in (("train", ("disc", "cross", "ring", "unsure")), ("val", ("disc",))):
        for number, kind in enumerate(kinds):
            save_class(tmp_path / "p" / split / kind, kind, 3, first=10 * number + len(split))
    with pytest.raises(ConvlensError, match=says):
        train(tmp_path / "p", tmp_path / "run", **SMALL | asked)
    assert not (tmp_path / "run").exists()


def test_what_a_run_has_learnt_from_is_not_judged_by_folds(tmp_path: Path) -> None:
    job, _ = prepared(tmp_path, 10)
    parameters = tmp_path / "parameters.safetensors"
    save_file({"layers.0.weight": torch.zeros(2), "temperature": torch.ones(())}, parameters)
    choice = NetworkChoice("timm:tf_efficientnet_lite0", str(parameters))
    assert choose_folds(options_from({}), job.dataset, choice=choice) == 1
    with pytest.raises(UsageError, match="may have learnt from what folds leave out"):
        choose_folds(options_from({"folds": 5}), job.dataset, choice=choice)
    save_file({"layers.0.weight": torch.zeros(2)}, parameters)  # as timm's own may be called
    assert choose_folds(options_from({}), job.dataset, choice=choice) > 1


def test_there_are_no_more_folds_than_groups(tmp_path: Path) -> None:
    job, _ = prepared(tmp_path, 10)
    three = Split(job.dataset.split.assigned, tuple(number % 3 for number in range(40)))
    dataset = replace(job.dataset, split=three)
    choice = NetworkChoice("timm:tf_efficientnet_lite0", "package")
    assert choose_folds(options_from({}), dataset, choice=choice) == 3
    assert choose_folds(options_from({"folds": 20}), dataset, choice=choice) == 3


def test_one_picture_of_each_class_has_no_folds(tmp_path: Path) -> None:
    job, _ = prepared(tmp_path, 10)
    dataset = job.dataset.take([0, 39])
    choice = NetworkChoice("timm:tf_efficientnet_lite0", "package")
    assert choose_folds(options_from({}), dataset, choice=choice) == 1
    with pytest.raises(UsageError, match="one picture of each class"):
        choose_folds(options_from({"folds": 3}), dataset, choice=choice)


def test_a_full_batch_is_all_that_is_learnt_from(tmp_path: Path) -> None:
    save_shapes(tmp_path / "p", 20)
    asked = {**SMALL, "batch": "full", "steps": 1}
    runs = [train(tmp_path / "p", tmp_path / f"{n}", **asked, folds=n) for n in (1, 2)]
    batches = [json.loads((run.folder / "run.json").read_text())["plan"]["batch"] for run in runs]
    assert batches == [sum(runs[0].metrics["pictures"]["train"].values()), 40]


def test_no_steps_can_be_repeated(tmp_path: Path) -> None:
    run = train(save_shapes(tmp_path / "p", 20), tmp_path / "a", **SMALL, steps=0)
    again = repeat(run.folder, tmp_path / "b")
    assert again.detector.read_bytes() == run.detector.read_bytes()


def test_threads_are_no_more_than_asked_for_and_those_of_the_run(tmp_path: Path) -> None:
    seen: list[int] = []

    class Hearing(NullCallback):
        def say(self, text: str) -> None:
            seen.append(cores())

    pictures = save_shapes(tmp_path / "p", 20)
    train(pictures, tmp_path / "a", **SMALL, steps=1, threads=1, callback=Hearing())
    assert set(seen) == {1}
    request, _ = RunFolder(tmp_path / "a").recorded(SINGLE_PROCESS)
    assert request.threads == 1
    with at_most(None):
        assert cores() == len(os.sched_getaffinity(0))


def test_another_programs_record_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"name": "other"}')
    with pytest.raises(ConvlensError, match="is not a record as convlens writes it"):
        repeat(tmp_path, tmp_path / "again")


def test_features_that_take_longer_than_the_minutes_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard()
    job: Any = SimpleNamespace(
        options=options_from({"minutes": 3.0}), stopwatch=Stopwatch(), callback=heard
    )
    backbones._tell_wait(job, 60.0)
    assert heard.warnings == []
    backbones._tell_wait(job, 480.0)
    (said,) = heard.warnings
    assert "alone take about 8.0 minutes" in said
    assert "longer than --minutes 3:" in said


def test_classes_are_balanced_once() -> None:
    assert options_from({}).answer.balances
    assert not options_from({"class_weights": "balanced"}).answer.balances


def test_a_fold_leaves_some_to_choose_by(tmp_path: Path) -> None:
    save_shapes(tmp_path, 2)
    with pytest.raises(UsageError, match="one of each class would be left"):
        train(tmp_path, tmp_path / "r", folds=2, **SMALL)
