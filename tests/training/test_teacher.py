"""A small network that learns from a larger one, beside the labels."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from convlens import Detector, train
from convlens.dataset.prepare import prepare
from convlens.dataset.teacher import Teacher, with_more_to_learn
from convlens.errors import ConvlensError, UsageError
from convlens.options import DataOptions, options_from
from convlens.options.teacher import TeacherOptions
from convlens.pictures.splits import Split
from convlens.tasks.classification.objective import TAUGHT, plain_objective
from convlens.training.train import repeat, resume
from helpers import SMALL, draw, save_class
from loops import stop_at_once


@pytest.fixture(scope="module")
def unlabelled(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New pictures, a copy of each labelled disc, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("more") / "unlabelled"
    folder.mkdir()
    for number in range(200, 210):
        Image.fromarray(draw("cross", number)).save(folder / f"{number}.png")
    for path in (shapes / "disc").glob("*.png"):
        (folder / f"copy-{path.name}").write_bytes(path.read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    return folder


def test_the_loss_is_that_of_hinton() -> None:
    torch.manual_seed(0)
    logits, teacher = torch.randn(8, 3), torch.randn(8, 3)
    labels, temperature = torch.arange(8) % 3, 4.0
    objective = plain_objective(3).with_teacher(temperature)
    lessons = functional.softmax(teacher / temperature, 1)
    targets = torch.cat([objective.encode(labels), lessons], 1)
    divergence = torch.nn.KLDivLoss(reduction="batchmean")
    taught = divergence(functional.log_softmax(logits / temperature, 1), lessons)
    taught += -(lessons * lessons.log()).sum(1).mean()
    own = functional.cross_entropy(logits, labels)
    wanted = (1 - TAUGHT) * own + TAUGHT * temperature**2 * taught
    found = objective.loss(logits, targets, batch_labels=labels)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_what_looks_like_a_held_out_picture_is_not_learnt_from() -> None:
    split = Split(("train", "val", "test"), (0, 1, 2))
    rows, more = with_more_to_learn(split, np.array([7, 8, 9, 9, 8, 7, 6]))
    assert rows == [0, 1, 2, 5, 6]
    assert more.assigned == (*split.assigned, "train", "train")
    assert len(set(more.groups)) == 4  # the first picture and the one that looks like it


def test_lessons_are_the_teachers_probabilities(run: Path, shapes: Path, unlabelled: Path) -> None:
    options = TeacherOptions(teacher=str(run), unlabelled=str(unlabelled), temperature=3.0)
    labelled = prepare(shapes, DataOptions(size=16), progress=lambda *_: None)
    dataset = prepare(
        shapes, DataOptions(size=16), progress=lambda *_: None, teacher=Teacher(options)
    )
    count, teacher = len(labelled.catalog), Detector(run)
    assert dataset.split.assigned[:count] == labelled.split.assigned  # nobody else is held out
    assert dataset.catalog.labels[:count] == labelled.catalog.labels
    assert any("broken" in name for name, _ in dataset.skipped)
    examples, rows = dataset.examples("train"), dataset.split.rows("train")
    assert examples.lessons is not None
    for row, lesson in zip(rows, examples.lessons, strict=True):
        answer = teacher.predict(dataset.catalog.sources[row])
        assert answer.probabilities is not None
        wanted = functional.softmax(torch.from_numpy(answer.probabilities).log() / 3.0, 0)
        assert lesson == pytest.approx(wanted.numpy(), abs=1e-6)
        if row >= count:
            assert dataset.catalog.labels[row] == answer.labels[int(wanted.argmax())]
    held_out = (*labelled.subset("test").names, *labelled.subset("val").names)
    learnt = {Path(dataset.catalog.names[row]).name for row in rows if row >= count}
    copies = {name.removeprefix("copy-") for name in learnt if name.startswith("copy-")}
    discs = {Path(n).name for n in labelled.subset("train").names if "/disc/" in n}
    assert copies == discs
    left_out = {Path(name).name for name, why in dataset.skipped if "held out" in why}
    assert {f"copy-{Path(n).name}" for n in held_out if "/disc/" in n} == left_out
    assert {f"{number}.png" for number in range(200, 210)} <= learnt


def test_a_training_with_a_teacher_is_recorded_repeated_and_resumed(
    run: Path, shapes: Path, unlabelled: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        **SMALL,
        "size": 16,
        "network": "conv 4 3x3, gap",
        "threads": 1,
        "steps": 4,
    }
    taught = train(
        shapes, tmp_path / "student", teacher=str(run), unlabelled=str(unlabelled), **options
    )
    record = json.loads((taught.folder / "run.json").read_text())
    assert record["teacher"] == Detector(run).digest
    again = repeat(taught.folder, tmp_path / "again")
    assert again.detector.read_bytes() == taught.detector.read_bytes()
    part = train(
        shapes,
        tmp_path / "part",
        callback=stop_at_once(),
        teacher=str(run),
        unlabelled=str(unlabelled),
        **options,
    )
    assert not part.finished
    assert resume(part.folder).detector.read_bytes() == taught.detector.read_bytes()
    alone = train(shapes, tmp_path / "alone", **options)
    assert alone.load().digest != taught.load().digest
    with (taught.folder / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if "/unlabelled/" in row["path"]]
    assert {row["split"] for row in rows} == {"train"}
    record["teacher"] = "another"
    (taught.folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(ConvlensError, match="is not the teacher that this run began with"):
        resume(taught.folder)


def test_a_class_that_is_only_judged_is_left_out_with_a_teacher_too(
    run: Path, unlabelled: Path, tmp_path: Path
) -> None:
    for part, count, first in (("train", 6, 0), ("test", 3, 20)):
        for kind in ("disc", "cross"):
            save_class(tmp_path / part / kind, kind, count, first)
    save_class(tmp_path / "test" / "ape", "disc", 3, 50)
    options = TeacherOptions(teacher=str(run), unlabelled=str(unlabelled))
    dataset = prepare(
        tmp_path, DataOptions(size=24), progress=lambda *_: None, teacher=Teacher(options)
    )
    assert dataset.classes == ("cross", "disc")
    assert len(dataset.subset("train")) > 12
    assert set(dataset.subset("train").labels) == {"cross", "disc"}
    assert set(dataset.subset("test").labels) == {"cross", "disc"}


def test_what_does_not_go_with_a_teacher_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a --teacher has to say"):
        options_from({"unlabelled": "photos"})
    for kind in ("disc", "square"):
        (tmp_path / "other" / kind).mkdir(parents=True)
        for number in range(4):
            picture = Image.fromarray(draw(kind, number))
            picture.save(tmp_path / "other" / kind / f"{number}.png")
    for unlabelled, says in (
        (None, "it does not know 'square'"),
        (str(tmp_path / "none"), "no such folder"),
    ):
        options: dict[str, Any] = {**SMALL, "teacher": str(run), "unlabelled": unlabelled}
        with pytest.raises(UsageError, match=says):
            train(tmp_path / "other", tmp_path / "out", **options)


def test_what_looks_alike_is_in_one_fold_whoever_labelled_it() -> None:
    split = Split(("train", "train", "val"), (0, 1, 2))
    _, more = with_more_to_learn(split, np.array([7, 8, 9, 8, 5, 5]))
    labelled, one, other = more.groups[1], *more.groups[-2:]
    assert more.groups[3] == labelled
    assert one == other
    assert one not in split.groups
