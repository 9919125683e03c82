"""Pictures sent to `/find` and `/heat-map`."""

import json
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from convlens import Detector
from convlens.export.export import export
from convlens.network.build import build
from convlens.network.spec import network
from convlens.serving.app import create_app
from convlens.tasks.classification.objective import plain_objective
from servers import disc, post

OBJECTIVE = plain_objective(2)


def test_find_says_where_as_the_detector_does(server: str, run: Path, shapes: Path) -> None:
    paths = sorted((shapes / "cross").glob("*.png"))[:2]
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    files.append(("files", ("bad.png", b"no picture")))
    answers = post(f"{server}find", files=files).json()["pictures"]
    for answer, wanted in zip(answers, Detector(run).find_many(paths), strict=False):
        fields = json.loads(json.dumps(wanted.as_json()))
        assert {name: answer[name] for name in fields} == fields
    assert "not a picture" in answers[2]["error"]
    assert answers[2]["findings"] == []


def test_a_heat_map_is_the_detectors(server: str, run: Path, shapes: Path) -> None:
    paths = sorted((shapes / "cross").glob("*.png"))[:2]
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    files.append(("files", ("bad.png", b"no picture")))
    answers = post(f"{server}heat-map", files=files).json()["pictures"]
    for answer, path in zip(answers, paths, strict=False):
        fields = json.loads(json.dumps(Detector(run).heat_map(path).as_json()))
        assert {name: answer[name] for name in fields} == fields
    assert "not a picture" in answers[2]["error"]
    assert answers[2]["heat"] == []


def test_a_detector_that_cannot_slide_says_so() -> None:
    module = build(network("dense 5", 24, classes=2), 0)
    client = TestClient(
        create_app(
            Detector(export(module, 24, labels=("a", "b"), metadata={}, objective=OBJECTIVE))
        )
    )
    picture: Any = {"content": disc(), "headers": {"content-type": "image/png"}}
    refused = client.post("/find", **picture)
    assert refused.status_code == 409
    assert "cannot slide" in refused.json()["detail"]
    (answer,) = client.post("/heat-map", **picture).json()["pictures"]
    assert answer["method"] == "occlusion"
    assert max(map(max, answer["heat"])) == 1
