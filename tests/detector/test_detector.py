"""A detector takes a picture in any form, answers it alike, and says what it cannot take."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from convlens import ConvlensError, Detector, Prediction, inspect, why
from convlens.detector.integrity import seal, unseal
from convlens.errors import PictureError, UsageError
from convlens.pictures.decode import decode
from convlens.tasks.task import task_named
from helpers import draw


@pytest.fixture(scope="module")
def detector(run: Path) -> Detector:
    return Detector(run)


@pytest.fixture
def photo(shapes: Path) -> Path:
    return shapes / "disc" / "001.png"


def same(one: Prediction, other: Prediction) -> bool:
    return one.probabilities is not None and np.array_equal(
        one.probabilities, np.asarray(other.probabilities)
    )


def test_a_file_a_run_and_bytes_are_one_detector(detector: Detector, run: Path) -> None:
    file = run / "detector.onnx"
    for other in (Detector(str(file)), Detector(file.read_bytes())):
        assert (other.labels, other.digest) == (detector.labels, detector.digest)


def test_the_home_folder_may_be_meant_in_python_too(
    run: Path, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, place in (("run", run), ("shapes", shapes)):
        (tmp_path / name).symlink_to(place)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    detector = Detector("~/run")
    found = detector.predict("~/shapes/disc/001.png")
    assert found.name == str(tmp_path / "shapes" / "disc" / "001.png")
    assert len(list(detector.predict_many(["~/shapes/disc"]))) == len(
        list(detector.predict_many(["~/shapes/disc/*"]))
    )
    assert inspect("~/shapes", report="~/report.html").pictures
    assert (tmp_path / "report.html").exists()
    case = why("~/run", section="arithmetic", out="~/case")
    assert case.folder == tmp_path / "case"


def test_a_picture_in_each_form_has_one_answer(detector: Detector, photo: Path) -> None:
    image = Image.open(photo)
    pixels = decode(photo.read_bytes())
    wanted = detector.predict(photo)
    assert wanted.predicted == "disc"
    for picture in (str(photo), image, pixels, photo.read_bytes()):
        assert same(detector.predict(picture), wanted)
    names = [detector.predict(p).name for p in (str(photo), image, pixels, photo.read_bytes())]
    assert names == [str(photo), str(photo), "pixels", "picture"]


def test_a_pil_image_is_set_upright(detector: Detector, photo: Path) -> None:
    turned = Image.open(photo).rotate(90, expand=True)
    turned.getexif()[0x0112] = 6
    assert same(detector.predict(turned), detector.predict(photo))


@pytest.mark.parametrize(
    ("picture", "error", "says"),
    [
        ("nowhere.jpg", PictureError, r"nowhere\.jpg: No such file"),
        (b"no picture", PictureError, "not a picture"),
        (np.zeros((8, 8), np.uint8), PictureError, "is uint8"),
        (np.zeros((8, 8, 3), np.float32), PictureError, "got float32"),
        (Path(__file__).parent, UsageError, "is a folder: predict_many"),
        (7, UsageError, "this is int"),
        ("", UsageError, "a path is empty"),
        (np.zeros((0, 8, 3), np.uint8), PictureError, "no pixels"),
        (Image.new("RGB", (0, 8)), PictureError, "no pixels"),
    ],
)
def test_what_is_no_picture_is_a_clear_error(
    detector: Detector, picture: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        detector.predict(picture)


def test_many_are_files_folders_patterns_and_several(detector: Detector, shapes: Path) -> None:
    def names(pictures: Any) -> list[str]:
        return [prediction.name for prediction in detector.predict_many(pictures)]

    folder = shapes / "cross"
    files = sorted(map(str, folder.iterdir()))
    assert names(str(folder)) == files
    assert names(folder) == files
    assert names(str(folder / "00*.png")) == files[:10]
    assert names(files[0]) == files[:1]  # a path is one picture, and not its letters
    assert names([folder, files[3], Path(files[3]).read_bytes()]) == [*files, files[3], "picture"]
    pixels = [draw("disc", 1), draw("disc", 2, 20, 30)]
    assert names(pixels) == names(np.stack([pixels[0]] * 2)) == ["pixels"] * 2
    assert names(pixels[0]) == ["pixels"]


def test_one_that_cannot_be_read_has_its_error_among_the_others(
    detector: Detector, photo: Path
) -> None:
    good, missing = detector.predict_many([photo, "nowhere.jpg"])
    assert good.error is None
    assert (missing.predicted, missing.probability) == (None, None)
    assert "No such file" in str(missing.error)


def test_an_image_in_memory_that_cannot_be_read_costs_no_other_answer(
    detector: Detector, photo: Path
) -> None:
    cut = Image.open(io.BytesIO(photo.read_bytes()[:-400]))
    wide = Image.fromarray(np.zeros((8, 8), np.float32))
    closed = Image.open(photo)
    closed.close()
    flat: Any = np.zeros((8, 8))
    answers = list(detector.predict_many([photo, cut, wide, closed, flat, photo]))
    assert [answer.error is None for answer in answers] == [True, *[False] * 4, True]
    assert "truncated" in str(answers[1].error)


@pytest.mark.parametrize("one", [bytearray(b"x"), memoryview(b"x"), io.BytesIO(b"a\nb")])
def test_what_python_could_go_through_is_still_one_thing(detector: Detector, one: Any) -> None:
    with pytest.raises(UsageError, match=f"this is {type(one).__name__}"):
        list(detector.predict_many(one))
    assert next(detector.predict_many(np.zeros((8, 8), np.uint8))).error is not None


def test_probabilities_of_pixels_of_one_size_and_of_several(detector: Detector) -> None:
    images = [draw("disc", 1), draw("cross", 2), draw("disc", 3, 20, 90)]
    mixed = detector.predict_proba(images)
    assert mixed.shape == (3, 2)
    assert mixed.dtype == np.float32
    assert np.array_equal(detector.predict_proba(np.stack(images[:2])), mixed[:2])
    assert detector.predict_proba([]).shape == (0, 2)


def test_evaluating_counts_what_predicting_says(detector: Detector, shapes: Path) -> None:
    evaluation = detector.evaluate(shapes)
    right = [
        prediction.predicted == Path(prediction.name).parent.name
        for prediction in detector.predict_many([shapes / "cross", shapes / "disc"])
        if prediction.error is None
    ]
    assert evaluation.accuracy == np.mean(right)
    assert evaluation.balanced_accuracy == evaluation.metrics.balanced_accuracy
    assert evaluation.skipped[0][0].endswith("notes.txt")


def test_finding_takes_what_predicting_takes(detector: Detector, photo: Path) -> None:
    wanted = detector.find(photo)
    assert wanted.findings
    assert detector.find(decode(photo.read_bytes())).findings == wanted.findings
    (many,) = detector.find_many(str(photo))
    assert many.as_json() == wanted.as_json()
    with pytest.raises(PictureError, match="No such file"):
        detector.find("nowhere.jpg")


def test_what_a_notebook_shows_is_escaped() -> None:
    p = np.array([0.75, 0.25], np.float32)
    html = Prediction("<b>.jpg", p, labels=("<i>", "b"), class_index=0)._repr_html_()
    assert "&lt;b&gt;.jpg" in html
    assert "&lt;i&gt;" in html
    assert "75.0%" in html
    assert "<i>" not in html
    assert "&lt;no&gt;" in Prediction("x", None, labels=(), error="<no>")._repr_html_()


def with_task(run: Path, task: str | None) -> bytes:
    """The same detector, whose file names another task, or none."""
    model = onnx.load_from_string(bytes(unseal((run / "detector.onnx").read_bytes())))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert entries.pop("task") == "classification"
    if task is not None:
        entries["task"] = task
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, entries)
    return seal(model.SerializeToString())


def test_a_file_says_of_which_task_its_answers_are(run: Path) -> None:
    with pytest.raises(ConvlensError, match="does not say which task"):
        Detector(with_task(run, None))
    with pytest.raises(ConvlensError, match="its task is 'poetry', and this version"):
        Detector(with_task(run, "poetry"))
    assert task_named("classification").columns(["a"])[-1] == "p:a"


def test_predicting_leaves_nothing_in_the_home_folder(run: Path, tmp_path: Path) -> None:
    """ONNX Runtime from 1.29 on would: an identifier, and a database of what it was used for."""
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": ":".join(sys.path)}
    script = "import sys, convlens; convlens.Detector(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, run], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []
