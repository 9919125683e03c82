"""What the page teaches by: pictures come and go, and what cannot be learnt from is a problem."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from convlens.serving.app import create_app
from servers import SlowDetector, disc


@pytest.fixture
def client() -> Iterator[TestClient]:
    detector: Any = SlowDetector()
    with TestClient(create_app(detector)) as client:
        yield client


def add(client: TestClient, label: str, count: int) -> dict[str, int]:
    files = [("files", (f"{n}.png", disc())) for n in range(count)]
    labels: dict[str, int] = client.post(f"/teach/pictures?label={label}", files=files).json()[
        "labels"
    ]
    return labels


def test_pictures_are_added_to_a_class_and_removed_with_it(client: TestClient) -> None:
    assert add(client, "cup", 3) == {"cup": 3}
    assert add(client, "../mug", 1) == {"cup": 3, "../mug": 1}
    assert add(client, "cup", 2) == {"cup": 5, "../mug": 1}
    state = client.delete("/teach/pictures?label=cup").json()
    assert (state["labels"], state["status"]) == ({"../mug": 1}, "idle")


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("POST", "/teach/pictures?label=", 422, "1 to 100 visible letters"),
        ("POST", "/teach/pictures?label=" + "x" * 101, 422, "1 to 100 visible letters"),
        ("POST", "/teach/start", 422, "two classes or more"),
        ("POST", "/teach/start?minutes=soon", 422, "'soon' is no number of minutes"),
        ("POST", "/teach/use", 404, "nothing has been learnt yet"),
        ("GET", "/teach/detector.onnx", 404, "nothing has been learnt yet"),
    ],
)
def test_what_cannot_be_is_a_problem(
    client: TestClient, method: str, path: str, status: int, says: str
) -> None:
    problem = client.request(method, path, content=disc(), headers={"content-type": "image/png"})
    assert problem.status_code == status
    assert says in problem.json()["detail"]


def test_a_time_out_of_range_is_a_problem(client: TestClient) -> None:
    for label in ("cup", "mug"):
        add(client, label, 10)
    problem = client.post("/teach/start?minutes=121")
    assert problem.status_code == 422
    assert problem.json()["detail"] == "minutes can be 0.05 to 120"
