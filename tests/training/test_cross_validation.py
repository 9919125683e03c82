"""Nested cross-validation: figures that come true, and a detector that learnt from everything."""

import csv
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file
from sklearn.model_selection import StratifiedGroupKFold

from convlens import Detector, train
from convlens.dataset.prepare import Dataset, prepare
from convlens.engine.callbacks import NullCallback
from convlens.engine.distributed import SINGLE_PROCESS
from convlens.engine.loop import Loop
from convlens.errors import ConvlensError, UsageError
from convlens.options import DataOptions, TrainOptions
from convlens.tasks.classification.objective import plain_objective
from convlens.training.cross_validation import (
    OutOfFold,
    cross_validate_probes,
    cross_validate_training,
)
from convlens.training.job import Job
from convlens.training.run import Run
from convlens.training.train import resume
from convlens.transfer.head import FeatureSet, folds
from convlens.transfer.linear_probe import UNTOLD, LinearProbe, fit_linear_probe, sample
from helpers import needs_weights, photograph, save_shapes, signalled

pytestmark = [pytest.mark.usefixtures("spared"), pytest.mark.trains]


def drawn(count: int, seed: int, features: int = 60) -> FeatureSet:
    """Two classes that one feature of many tells apart, by and large."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=random)
    made = torch.randn(count, 1, features, generator=random)
    made[:, :, 0] += 1.2 * (2 * labels[:, None] - 1)
    return FeatureSet((made,), labels, groups=torch.arange(count))


def started(side: FeatureSet) -> LinearProbe:
    return fit_linear_probe(side, objective=plain_objective(2), seed=0, nested=True)


def job_of(pictures: int) -> Job:
    """So many pictures of two classes, of which only the names are asked for."""
    names = tuple(map(str, range(pictures)))
    dataset = SimpleNamespace(classes=("a", "b"), subset=lambda _: SimpleNamespace(names=names))
    return Job(
        cast("Dataset", dataset),
        TrainOptions(),
        workers=SINGLE_PROCESS,
        callback=NullCallback(),
    )


def predicted(answers: OutOfFold) -> npt.NDArray[np.int64]:
    return np.array([answer.class_index for answer in answers.answers])


def test_folds_are_those_of_scikit_learn_and_keep_groups() -> None:
    random = np.random.default_rng(0)
    labels, groups = random.integers(0, 3, 90), random.integers(0, 40, 90)
    fold = folds(torch.from_numpy(labels), torch.from_numpy(groups), seed=7).numpy()
    made = StratifiedGroupKFold(5, shuffle=True, random_state=7).split(labels, labels, groups)
    for number, (_, judged) in enumerate(made):
        assert set(np.where(fold == number)[0]) == set(judged)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_folds_of_hardly_any_pictures(count: int) -> None:
    fold = folds(torch.arange(count) % 2, torch.arange(count), seed=0)
    assert len(fold) == count


def test_crossed_figures_come_true_on_new_pictures() -> None:
    claimed, true = [], []
    for seed in range(6):
        start = started(drawn(80, seed))
        crossed = cross_validate_probes(job_of(80), [start])
        assert crossed.indices.tolist() == list(range(80))
        claimed.append((predicted(crossed) == start.pictures.labels.numpy()).mean())
        new = drawn(2000, 100 + seed)
        answers = start.head_of_all().logits(new.pooled()).argmax(1)
        true.append((answers == new.labels).float().mean().item())
        for answer in crossed.answers:
            assert answer.probabilities is not None
            assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert np.mean(claimed) == pytest.approx(np.mean(true), abs=0.05)
    assert np.mean(claimed) < np.mean(true) + 0.02  # at worst too modest, as folds learn from less


@pytest.mark.parametrize("one_group_each", [False, True])
def test_of_two_folds_the_halves_of_one_choose_for_the_other(one_group_each: bool) -> None:
    side = drawn(60, 1)
    groups = torch.arange(60) % 2 if one_group_each else side.groups
    probe = fit_linear_probe(
        FeatureSet(side.parts, side.labels, groups=groups),
        objective=plain_objective(2),
        seed=0,
        count=2,
        nested=True,
    )
    assert probe.folds == [0, 1]
    for fold in (0, 1):
        assert (probe.is_judged(without=fold) == (probe.fold != fold)).all()
        losses = list(probe.mean_losses(without=fold).values())
        assert len(set(losses)) == len(losses)
        for left_out, judged in probe.judged(without=fold).items():
            learnt = ~torch.isin(probe.part, torch.tensor(sorted(left_out)))
            assert learnt.any()
            assert not (learnt & (judged | (probe.fold == fold))).any()
    answers = cross_validate_probes(job_of(60), [probe]).answers
    assert max(answer.probability or 0 for answer in answers) > 0.8


def test_where_nothing_can_choose_a_usual_strength_is_taken() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    pictures = FeatureSet((torch.randn(4, 1, 6),), labels, groups=torch.arange(4))
    probe = fit_linear_probe(pictures, objective=plain_objective(2), seed=0, count=2, nested=True)
    assert probe.folds == [0, 1]
    assert not probe.is_judged(without=0).any()
    assert probe.best_c(without=0) == UNTOLD
    assert len(cross_validate_probes(job_of(4), [probe]).answers) == 4


def test_of_many_pictures_each_class_has_its_share_and_small_ones_all() -> None:
    labels = ["many"] * 700 + ["some"] * 293 + ["few"] * 7
    random = np.random.default_rng(0)
    labels = [labels[k] for k in random.permutation(1000)]
    for seed in range(5):
        rows = sample(range(1000), labels, seed=seed, most=200)
        counts = Counter(labels[row] for row in rows)
        assert rows == sorted(set(rows))
        assert counts["few"] == 7
        assert counts["many"] + counts["some"] in {192, 193}
        assert counts["many"] / counts["some"] == pytest.approx(700 / 293, rel=0.05)
    classes = [f"{k % 300}" for k in range(1000)]
    rows = sample(range(1000), classes, seed=0, most=400)
    assert len(rows) <= 400
    assert len({classes[row] for row in rows}) == 300
    assert sample([4, 7], ["a", "b"], seed=0) == [4, 7]


def test_nothing_can_be_learnt_from_noise() -> None:
    side = drawn(100, 0)
    noise = FeatureSet((torch.randn(100, 1, 60),), side.labels, groups=side.groups)
    crossed = cross_validate_probes(job_of(100), [started(noise)])
    assert 0.3 < (predicted(crossed) == side.labels.numpy()).mean() < 0.7


def test_one_set_of_pictures_gives_a_head_and_nothing_to_judge_it_by() -> None:
    side = drawn(40, 0)
    probe = started(FeatureSet(side.parts, side.labels, groups=torch.zeros(40, dtype=torch.long)))
    assert probe.head().logits(side.pooled()).shape == (40, 2)
    assert len(probe.labels()) == 0


def test_few_pictures_are_all_judged_and_all_learnt(tmp_path: Path) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 30)
    run = train(tmp_path / "p", tmp_path / "r", size=64, seed=1)
    assert run.metrics["folds"] == 5
    assert run.metrics["pictures"] == {"train": {"cross": 30, "disc": 30}}
    assert run.metrics["test"]["n"] == 60
    assert run.metrics["test"]["accuracy"] >= 0.7
    with (run.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["name"] for row in rows}) == 60
    right = np.mean([row["predicted"] == row["label"] for row in rows])
    assert right == run.metrics["test"]["accuracy"]
    page = (run.folder / "report.html").read_text()
    assert "learnt from all of them" in page
    assert f"--repeat {run.folder}" in page


def test_a_crossed_detector_can_be_unsure(tmp_path: Path) -> None:
    needs_weights()
    save_shapes(tmp_path / "p", 30)
    run = train(tmp_path / "p", tmp_path / "r", size=64, seed=1, coverage=0.5)
    assert 0.2 < run.metrics["test"]["coverage"] < 0.8
    assert Detector(run.detector).rule.objective == "coverage 0.5"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test_fraction": 0.2}, "hold none out"),
    ],
)
def test_what_folds_cannot_do_is_said(
    shapes: Path, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    needs_weights()
    with pytest.raises(UsageError, match=says):
        train(shapes, tmp_path / "r", folds=3, size=32, **options)


def scratch(pictures: Path, out: Path, **options: Any) -> Run:
    """Three folds of a small network from random parameters."""
    line = "conv 6 3x3, pool 2, conv 8 3x3, gap"
    asked = {"network": line, "weights": "none", "size": 24, "folds": 3, "steps": 40, **options}
    return train(pictures, out, compute="float32", threads=1, **asked)


def test_networks_from_random_parameters_are_crossed_too(shapes: Path, tmp_path: Path) -> None:
    run = scratch(shapes, tmp_path / "r", augment="none", optimizer="adam", learning_rate=0.01)
    assert run.finished
    assert run.metrics["folds"] == 3
    n = sum(run.metrics["pictures"]["train"].values())
    assert run.metrics["test"]["n"] == n
    assert set(run.metrics["pictures"]) == {"train"}
    # each fold's answers are those of a network that its manifest keeps apart: trained anew, alike
    again = scratch(shapes, tmp_path / "s", augment="none", optimizer="adam", learning_rate=0.01)
    assert (run.folder / "predictions.csv").read_bytes() == (
        again.folder / "predictions.csv"
    ).read_bytes()
    assert run.detector.read_bytes() == again.detector.read_bytes()


def test_a_crossed_run_that_was_stopped_goes_on_to_the_same_end(
    shapes: Path, tmp_path: Path
) -> None:
    whole = scratch(shapes, tmp_path / "whole")
    stopped_at: list[str] = []

    class Stopper(NullCallback):
        """Asks to stop in the second fold."""

        def say(self, text: str) -> None:
            if text.startswith("fold 2") and not stopped_at:  # asked twice, all ends at once
                stopped_at.append(text)
                signalled()

    line = "conv 6 3x3, pool 2, conv 8 3x3, gap"
    part = train(
        shapes,
        tmp_path / "part",
        callback=Stopper(),
        network=line,
        weights="none",
        size=24,
        folds=3,
        steps=40,
        compute="float32",
        threads=1,
    )
    assert stopped_at
    assert not part.finished
    assert 0 < part.metrics["test"]["n"] < whole.metrics["test"]["n"]
    done = resume(tmp_path / "part")
    assert done.finished
    assert done.detector.read_bytes() == whole.detector.read_bytes()
    assert (done.folder / "predictions.csv").read_bytes() == (
        whole.folder / "predictions.csv"
    ).read_bytes()


def test_a_rule_that_no_fold_has_set_yet_is_missed_aloud(shapes: Path, tmp_path: Path) -> None:
    class Stopper(NullCallback):
        """Asks to stop in the first fold."""

        def __init__(self) -> None:
            self.warnings: list[str] = []

        def say(self, text: str) -> None:
            if text.startswith("fold 1"):
                signalled()

        def warn(self, text: str) -> None:
            self.warnings.append(text)

    heard = Stopper()
    scratch(shapes, tmp_path / "r", callback=heard, recall="disc=0.9")
    assert any("what --coverage or --recall asks for is not set" in text for text in heard.warnings)
    done = resume(tmp_path / "r")
    assert Detector(done.detector).rule.objective == "recall disc=0.9"


def test_no_fold_sees_what_it_is_judged_by(shapes: Path, tmp_path: Path) -> None:
    dataset = prepare(shapes, DataOptions(size=16), progress=lambda *_: None).for_training()
    job = Job(
        dataset,
        TrainOptions(data=DataOptions(size=16)),
        workers=SINGLE_PROCESS,
        callback=NullCallback(),
    )
    seen: list[tuple[set[int], ...]] = []

    class StopHereError(Exception):
        """Ends a fold before its first step."""

    def begin(part: Job, _: int) -> Loop:
        split = part.dataset.split
        seen.append(tuple(set(split.rows(name)) for name in ("train", "val", "test")))
        raise StopHereError

    for k in range(3):  # one fold after another, as if the earlier ones had been done
        with pytest.raises(StopHereError):
            cross_validate_training(job, 3, begin=begin, folder=tmp_path, stop=lambda: False)
        learn, choose, judged = seen[-1]
        assert learn
        assert choose
        assert not (learn & choose or learn & judged or choose & judged)
        groups = dataset.split.groups
        assert not {groups[row] for row in learn | choose} & {groups[row] for row in judged}
        save_file(
            {"val": torch.zeros(len(choose), 2), "test": torch.zeros(len(judged), 2)},
            tmp_path / f"{k}.safetensors",
        )
    assert set.union(*(judged for *_, judged in seen)) == set(dataset.split.rows("train"))


def test_two_groups_leave_none_to_choose_by(tmp_path: Path) -> None:
    """It is told before any training, of which nothing would come."""
    for label in ("a", "b"):
        for site in ("site1", "site2"):
            folder = tmp_path / "pictures" / label / site
            folder.mkdir(parents=True)
            for number in range(6):
                seed = 100 * len(list((tmp_path / "pictures").rglob("*.png")))
                photograph(seed, side=40).save(folder / f"{number}.png")
    with pytest.raises(UsageError, match="more groups"):
        scratch(tmp_path / "pictures", tmp_path / "r", folds=2, group=r"site\d")
    third = tmp_path / "pictures" / "a" / "site3"
    third.mkdir()
    for number in range(6):
        photograph(5000 + number, side=40).save(third / f"{number}.png")
    run = scratch(tmp_path / "pictures", tmp_path / "s", folds=3, group=r"site\d", steps=2)
    assert run.metrics["folds"] == 3


def test_heads_of_too_many_pictures_have_no_folds(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setattr("convlens.training.job.MOST", 10)
    with pytest.raises(UsageError, match="hold a part out"):
        train(shapes, tmp_path / "r", folds=3, size=32)


def test_a_fold_that_comes_to_nothing_costs_its_own_figures_only(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = prepare(shapes, DataOptions(size=16), progress=lambda *_: None).for_training()
    heard: list[str] = []

    class Hearing(NullCallback):
        def warn(self, text: str) -> None:
            heard.append(text)

    options = TrainOptions(data=DataOptions(size=16))
    job = Job(dataset, options, workers=SINGLE_PROCESS, callback=Hearing())

    def logits(part: Job, checkpoints: Path, **_: Any) -> dict[str, torch.Tensor]:
        if checkpoints.name == "1":
            raise ConvlensError("J explodes")
        counts = {name: len(part.dataset.split.rows(name)) for name in ("val", "test")}
        return {name: torch.zeros(count, 2) for name, count in counts.items()}

    def made(part: Job, _: int) -> Loop:
        raise AssertionError(part)

    monkeypatch.setattr("convlens.training.cross_validation._logits_of_fold", logits)
    found = cross_validate_training(job, 3, begin=made, folder=tmp_path, stop=lambda: False)
    whole = len(dataset.split.rows("train"))
    assert whole / 2 < len(found.indices) < whole
    assert heard == ["fold 2 of 3 gives no figures: J explodes"]
