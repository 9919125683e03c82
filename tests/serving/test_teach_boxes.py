"""Boxes that are drawn in the page: what the server keeps of them, and what is learnt from it."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from convlens.errors import ConvlensError
from convlens.pictures.boxes.read import read_boxes
from convlens.pictures.decode import decode
from convlens.serving.app import create_app
from helpers import draw
from objects import save_objects
from servers import SECONDS, SlowDetector, png

Start = Callable[[], TestClient]
EDGES = ("left", "top", "right", "bottom")
CUP: dict[str, Any] = {"label": "cup", "left": 0, "top": 3.5, "right": 20.25, "bottom": 40}
BALL: dict[str, Any] = {"label": "球", "left": 10, "top": 2, "right": 12, "bottom": 48}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server that keeps what it is taught, one after the other in the same folder."""
    clients: list[TestClient] = []

    def new() -> TestClient:
        while clients:
            clients.pop().__exit__()
        detector: Any = SlowDetector()
        client = TestClient(create_app(detector, taught=tmp_path / "taught"))
        clients.append(client.__enter__())
        return client

    yield new
    for client in clients:
        client.__exit__()


def encoded(number: int, kind: str = "PNG", orientation: int = 1) -> bytes:
    """A picture of 48×40 pixels as it is stored."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(draw("disc", number)).save(buffer, kind, exif=exif)
    return buffer.getvalue()


def add(client: TestClient, *pictures: bytes) -> list[dict[str, Any]]:
    files = [("files", (f"{number}", data)) for number, data in enumerate(pictures)]
    added: list[dict[str, Any]] = client.post("/teach/boxes", files=files).json()["added"]
    return added


def put(client: TestClient, picture: dict[str, Any], *boxes: object) -> Any:
    return client.put(f"/teach/boxes/{picture['name']}", json={"boxes": boxes})


def test_what_is_drawn_comes_back_and_is_read_as_any_coco_folder(
    start: Start, tmp_path: Path
) -> None:
    client = start()
    upright, turned, empty, unseen = add(
        client, encoded(1), encoded(2, "JPEG", 6), encoded(3), encoded(4)
    )
    assert (turned["width"], turned["height"]) == (40, 48)
    assert put(client, upright, CUP).json()["boxes"] == [CUP]
    put(client, turned, BALL, CUP)
    put(client, empty)
    state = client.get("/teach/boxes").json()
    assert state["classes"] == ["cup", "球"]
    assert [one["boxes"] for one in state["pictures"]] == [[CUP], [BALL, CUP], [], None]
    catalog = read_boxes(tmp_path / "taught" / "boxes")
    assert catalog is not None
    assert catalog.classes == ("cup", "球")
    assert catalog.form == "coco"
    names = [Path(source.name).name for source in catalog.sources]
    assert names == [one["name"] for one in (upright, turned, empty)]
    assert [Path(name).name for name, _ in catalog.skipped] == [unseen["name"]]
    assert catalog.faults == ()
    for boxes, wanted in zip(catalog.boxes, ([CUP], [BALL, CUP], []), strict=True):
        assert [catalog.classes[label] for label in boxes.labels] == [b["label"] for b in wanted]
        edges = [[box[edge] for edge in EDGES] for box in wanted]
        assert np.allclose(boxes.xyxy, np.reshape(edges, (-1, 4)), rtol=0, atol=1e-6)
    assert start().get("/teach/boxes").json() == state  # another server, the same folder


def test_a_folder_is_of_one_server(start: Start, tmp_path: Path) -> None:
    client = start()
    [picture] = add(client, encoded(1))
    detector: Any = SlowDetector()
    with pytest.raises(ConvlensError, match=r"another server is at work in .*taught: end it, or"):
        create_app(detector, taught=tmp_path / "taught")
    assert start().get("/teach/boxes").json()["pictures"] == [picture]
    (tmp_path / "file").write_text("")
    with pytest.raises(ConvlensError, match="cannot make the folder"):
        create_app(detector, taught=tmp_path / "file")


def test_boxes_are_changed_and_pictures_taken_away(start: Start, tmp_path: Path) -> None:
    client = start()
    one, other = add(client, encoded(1), encoded(2))
    ball = {**BALL, "bottom": 40}
    put(client, one, CUP, ball)
    put(client, one, ball)
    assert client.get("/teach/boxes").json()["classes"] == ["球"]
    assert add(client, encoded(1)) == [{**one, "boxes": [ball]}]  # the same picture again
    client.put(f"/teach/boxes/{one['name']}", json={"boxes": None})
    assert client.get("/teach/boxes").json() == {"classes": [], "pictures": [one, other]}
    assert read_boxes(tmp_path / "taught" / "boxes") is None
    assert client.delete(f"/teach/boxes/{one['name']}").json() == one
    assert client.delete(f"/teach/boxes/{one['name']}").status_code == 404
    assert start().get("/teach/boxes").json()["pictures"] == [other]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"right": 48.1}, "box 1: it is not within the picture's 48×40 pixels"),
        ({"left": -0.1}, "box 1: it is not within the picture's 48×40 pixels"),
        ({"right": 1.9}, "box 1: it has less than 2 pixels a side"),
        ({"top": 30, "bottom": 20}, "box 1: it has less than 2 pixels a side"),
        ({"label": " "}, "1 to 100 visible letters"),
        ({"left": "here"}, "boxes.1.left: Input should be a valid number"),
        ({"left": None}, "boxes.1.left: Input should be a valid number"),
    ],
)
def test_a_box_that_cannot_be_is_refused_with_all_others(
    start: Start, change: dict[str, object], says: str
) -> None:
    client = start()
    (picture,) = add(client, encoded(1))
    put(client, picture, CUP)
    refused = put(client, picture, CUP, {**CUP, **change})
    assert refused.status_code == 422
    assert says in refused.json()["detail"]
    assert client.get("/teach/boxes").json()["pictures"][0]["boxes"] == [CUP]


def test_what_cannot_be_is_a_problem(start: Start) -> None:
    client = start()
    (picture,) = add(client, encoded(1))
    address = f"/teach/boxes/{picture['name']}"
    infinite = client.put(address, content='{"boxes": [{"label": "a", "left": NaN, "top": 0, '
                          '"right": 5, "bottom": 5}]}')  # fmt: skip
    assert infinite.status_code == 422
    many = put(client, picture, *[CUP] * 1001)
    assert "at most 1000 items" in many.json()["detail"]
    assert client.put("/teach/boxes/..%2Fno", json={"boxes": []}).status_code == 404
    assert (
        put(client, {"name": "no.png"}).json()["detail"]
        == "there is no such picture to draw boxes in"
    )
    files = [("files", ("a.txt", b"words")), ("files", ("b.png", encoded(2)))]
    answer = client.post("/teach/boxes", files=files).json()
    assert [one["name"] for one in answer["refused"]] == ["a.txt"]
    assert "not a picture" in answer["refused"][0]["error"]
    assert len(answer["added"]) == 1
    few = client.post("/teach/start?what=boxes")
    assert few.status_code == 422
    assert "10 pictures or more that somebody has looked at" in few.json()["detail"]
    assert client.post("/teach/start?what=words").status_code == 422


def test_a_picture_is_sent_as_browsers_show_it(start: Start) -> None:
    client = start()
    jpeg, tiff = encoded(1, "JPEG", 6), encoded(2, "TIFF", 8)
    shown = [client.get(f"/teach/boxes/{one['name']}") for one in add(client, jpeg, tiff)]
    assert shown[0].content == jpeg
    assert [one.headers["content-type"] for one in shown] == ["image/jpeg", "image/png"]
    assert (decode(shown[1].content) == decode(tiff)).all()


def test_classes_of_pictures_stay_too(start: Start) -> None:
    client = start()
    for label in ("cup", "no, cup"):
        files = {"files": ("a.png", png(draw("disc", 1)))}
        client.post("/teach/pictures", params={"label": label}, files=files)
    again = start()
    assert again.get("/teach").json()["labels"] == {"cup": 1, "no, cup": 1}
    again.post("/teach/pictures?label=cup", files={"files": ("a.png", png(draw("disc", 2)))})
    again.delete("/teach/pictures", params={"label": "no, cup"})
    assert start().get("/teach").json()["labels"] == {"cup": 2}


@pytest.mark.trains
def test_boxes_are_learnt_and_used_at_once(start: Start, tmp_path: Path) -> None:
    catalog = read_boxes(save_objects(tmp_path / "drawn", 12, most=2))
    assert catalog is not None
    client = start()
    for source, boxes in zip(catalog.sources, catalog.boxes, strict=True):
        (picture,) = add(client, source.read())
        drawn = [
            {
                "label": catalog.classes[label],
                **dict(zip(EDGES, edges, strict=True)),
            }
            for label, edges in zip(boxes.labels, boxes.xyxy.tolist(), strict=True)
        ]
        put(client, picture, *drawn)
    assert client.post("/teach/start?what=boxes&minutes=0.05").json()["status"] == "training"
    refused = client.delete(f"/teach/boxes/{picture['name']}")
    assert (refused.status_code, refused.json()["title"]) == (409, "Training already")
    end = time.monotonic() + SECONDS
    while (state := client.get("/teach").json())["status"] == "training" and time.monotonic() < end:
        time.sleep(0.5)
    assert state["status"] == "done", state["said"]
    assert state["history"][-1]["cost_train"] > 0
    assert 0 <= state["metrics"]["AP50"] <= 1
    assert set(client.post("/teach/use").json()["labels"]) == {"disc", "square"}
    files = {"files": catalog.sources[0].read()}
    (answer,) = client.post("/predict", files=files).json()["predictions"]
    assert answer["error"] is None
    assert isinstance(answer["objects"], list)
