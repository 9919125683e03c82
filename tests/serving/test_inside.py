"""Layers, maps, sums and strongest places over HTTP are those of the file."""

import base64
from pathlib import Path

import numpy as np
import pytest

from convlens import Detector
from convlens.pictures.decode import decode
from servers import get, post


def test_layers_maps_and_sums_are_the_files(server: str, run: Path, shapes: Path) -> None:
    inside = Detector(run).inside
    path = shapes / "cross" / "000.png"
    image = decode(path.read_bytes())
    files = [("files", ("one.png", path.read_bytes())), ("files", ("bad.png", b"no picture"))]
    told = get(f"{server}layers").json()
    assert [layer["kind"] for layer in told["layers"]] == [layer.kind for layer in inside.layers]
    assert told["chosen"] == inside.chosen
    one, bad = post(f"{server}maps?layer=1&count=3", files=files).json()["pictures"]
    assert "not a picture" in bad["error"]
    assert "maps" not in bad
    (maps,) = inside.maps(image, [1])
    assert len(one["maps"]) == 3
    for sent in one["maps"]:
        wanted = maps[sent["channel"]]
        levels = np.frombuffer(base64.b64decode(sent["levels"]), np.uint8).reshape(sent["shape"])
        values = sent["low"] + (sent["high"] - sent["low"]) * levels / 255
        assert np.abs(values - wanted).max() <= (sent["high"] - sent["low"]) / 500
    place = "layer=0&channel=2&row=3&column=4"
    one, _ = post(f"{server}sum?{place}", files=files).json()["pictures"]
    total = np.sum(np.multiply(one["sum"]["inputs"], one["sum"]["weights"])) + one["sum"]["bias"]
    assert total == pytest.approx(one["sum"]["before"], abs=1e-4)
    one, bad = post(f"{server}strongest?layer=1&channel=2", files=files).json()["pictures"]
    (patch,) = inside.strongest([image], 1, channel=2)
    assert one["value"] == pytest.approx(patch.value)
    assert one["box"] == patch.box._asdict()
    assert "value" not in bad


@pytest.mark.parametrize(
    "words",
    [
        *("maps?layer=99", "maps?layer=x", "maps?layer=0&count=999", "sum?layer=0"),
        *("strongest?layer=0&channel=99", "sum?layer=0&channel=0&row=0&column=999"),
    ],
)
def test_what_is_not_there_is_a_problem(server: str, shapes: Path, words: str) -> None:
    files = {"files": (shapes / "disc" / "000.png").read_bytes()}
    answer = post(f"{server}{words}", files=files)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
