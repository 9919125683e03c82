"""Pictures sent to `/predict`."""

from pathlib import Path
from typing import Any

import pytest

from convlens import Detector
from helpers import draw
from servers import disc, png, post


def test_answers_are_those_of_predict(server: str, run: Path, shapes: Path) -> None:
    paths = sorted((shapes / "disc").glob("*.png"))[:4]
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    predictions = post(f"{server}predict", files=files).json()["predictions"]
    for answer, wanted in zip(predictions, Detector(run).predict_many(paths), strict=True):
        assert answer["name"] == Path(wanted.name).name
        assert answer["predicted"] == wanted.predicted
        assert answer["probabilities"] == pytest.approx(dict(wanted.top(2)))
        assert answer["error"] is None


def test_one_picture_and_raw_pixels_are_taken_too(server: str, run: Path) -> None:
    pixels = draw("cross", 5)
    wanted = Detector(run).probabilities(pixels)
    bodies: list[dict[str, Any]] = [
        {"content": png(pixels), "headers": {"content-type": "image/png"}},
        {
            "content": pixels.tobytes(),
            "params": {"height": pixels.shape[0], "width": pixels.shape[1]},
            "headers": {"content-type": "application/octet-stream"},
        },
    ]
    for body in bodies:
        (answer,) = post(f"{server}predict", **body).json()["predictions"]
        labels = Detector(run).labels
        assert [answer["probabilities"][label] for label in labels] == pytest.approx(wanted)


def test_a_bad_picture_among_good_ones_is_its_own_error(server: str) -> None:
    files = [("files", ("a.png", disc())), ("files", ("b.png", b"no picture"))]
    good, bad = post(f"{server}predict", files=files).json()["predictions"]
    assert good["error"] is None
    assert bad["predicted"] is None
    assert "not a picture" in bad["error"]
