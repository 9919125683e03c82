"""The server as its callers meet it: a real process, real requests."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from convlens import Detector, find, predict
from convlens.detector.detector import Prediction
from convlens.export.export import export
from convlens.network.build import build
from convlens.network.spec import network
from convlens.pictures.decode import RGB
from convlens.serving.app import create_app
from convlens.serving.request_limits import RequestLimits
from helpers import draw

Serve = Callable[..., str]


@pytest.fixture(scope="module")
def serve(run: Path) -> Iterator[Serve]:
    """Starts a server with further words; its address. All end with the module."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> str:
        command = [sys.executable, "-m", "convlens", "serve", str(run), "--port", "0", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().split(" at ")[1].strip()
        for _ in range(600):
            try:
                httpx.get(address, timeout=5)
                return address
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"nobody answers at {address}")

    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    return serve("--max-upload", "300000", "--max-files", "5")


def png(pixels: RGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_answers_are_those_of_predict(server: str, run: Path, shapes: Path) -> None:
    paths = sorted((shapes / "disc").glob("*.png"))[:4]
    sent = [("files", (path.name, path.read_bytes())) for path in paths]
    told = httpx.post(f"{server}predict", files=sent).json()["predictions"]
    for answer, wanted in zip(told, predict(run, paths), strict=True):
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
        (answer,) = httpx.post(f"{server}predict", **body).json()["predictions"]
        labels = Detector(run).labels
        assert [answer["probabilities"][label] for label in labels] == pytest.approx(wanted)


def test_a_bad_picture_among_good_ones_is_its_own_error(server: str) -> None:
    sent = [("files", ("a.png", png(draw("disc", 1)))), ("files", ("b.png", b"no picture"))]
    good, bad = httpx.post(f"{server}predict", files=sent).json()["predictions"]
    assert good["error"] is None
    assert bad["predicted"] is None
    assert "not a picture" in bad["error"]


def request(kind: str) -> dict[str, Any]:
    small = png(draw("disc", 1))
    match kind:
        case "too many":
            return {"files": [("files", (f"{n}.png", small)) for n in range(6)]}
        case "too large":
            return {"content": bytes(400_000), "headers": {"content-type": "image/png"}}
        case "too large, unannounced":
            return {
                "content": (bytes(50_000) for _ in range(8)),
                "headers": {"content-type": "image/png"},
            }
        case "no files":
            return {"files": {}, "data": {"a": "b"}, "headers": {}}
        case "another kind":
            return {"json": {"picture": "x"}}
        case "broken form":
            return {
                "content": b"--x\r\nrubbish",
                "headers": {"content-type": "multipart/form-data; boundary=x"},
            }
        case "form without its end":  # of two pictures, the second one is cut
            form = httpx.Request("POST", "http://x", files=[("files", small)] * 2)
            head = {"content-type": form.headers["content-type"]}
            return {"content": form.read()[:-100], "headers": head}
        case "no size":
            return {"content": b"abc", "headers": {"content-type": "application/octet-stream"}}
        case "other site":
            return {"files": {"files": small}, "headers": {"origin": "http://evil.example"}}
        case _:
            return {"files": {"files": small}, "headers": {"host": "evil.example"}}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *(("too many", 413), ("too large", 413), ("too large, unannounced", 413)),
        ("form without its end", 400),
        *(("no files", 415), ("another kind", 415), ("broken form", 400), ("no size", 422)),
        *(("other site", 403), ("other name", 403)),
    ],
)
def test_what_it_does_not_take_is_a_problem(server: str, kind: str, status: int) -> None:
    found = httpx.post(f"{server}predict", **request(kind))
    assert found.status_code == status
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["status"] == status
    assert found.json()["detail"]
    assert httpx.get(f"{server}health").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["nothing", "page/app.py", "page/..%2f..%2fapp.py", "page/"])
def test_no_path_reaches_the_file_system(server: str, path: str) -> None:
    found = httpx.get(server + path)
    assert found.status_code == 404
    assert found.headers["content-type"] == "application/problem+json"


def test_it_tells_of_the_detector_and_of_itself(server: str, run: Path) -> None:
    about = httpx.get(f"{server}detector").json()
    assert about["labels"] == ["cross", "disc"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert about["metrics"]["accuracy"] == metrics["test"]["accuracy"]
    assert about["limits"]["files"] == 5
    text = httpx.get(f"{server}metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["convlens_requests"].samples
    assert sum(sample.value for sample in families["convlens_pictures"].samples) >= 1
    assert "<h1>" in httpx.get(f"{server}report").text


def test_a_token_is_needed_where_it_was_asked_for(serve: Serve) -> None:
    address = serve("--token", "secret word")
    bare = address.split("?")[0]
    for given in ({}, {"headers": {"authorization": "Bearer wrong"}}):
        refused = httpx.get(f"{bare}detector", **given)  # type: ignore[arg-type]
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    held = {"authorization": "Bearer secret word"}
    assert httpx.get(f"{bare}detector", headers=held).status_code == 200
    with httpx.Client() as browser:  # the page's address holds it, its requests the cookie
        assert browser.get(f"{bare}?token=secret%20word").status_code == 200
        assert browser.get(f"{bare}detector").status_code == 200
        assert browser.get(f"{bare}detector?token=secret%20word").status_code == 200
    assert httpx.get(f"{bare}detector?token=secret%20word").status_code == 401


class Slow:
    """A detector that waits to be let go on."""

    labels = ("a", "b")
    path = None

    def __init__(self) -> None:
        self.go = threading.Event()

    def answer(self, name: str, image: RGB) -> Prediction:
        self.go.wait(20)
        return Prediction(
            name, np.array([0.25, 0.75], np.float32), labels=self.labels, class_index=1
        )


def in_thread(detector: Any, limits: RequestLimits) -> tuple[str, Any]:
    """A server in a thread of this process, and how to end it."""
    import uvicorn

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(detector, limits), log_level="error")
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]})
    thread.start()
    while not made.started:
        time.sleep(0.01)

    def end() -> None:
        made.should_exit = True
        thread.join(30)
        assert not thread.is_alive()

    return f"http://127.0.0.1:{listening.getsockname()[1]}/", end


def test_more_than_may_wait_are_told_to_come_again() -> None:
    slow = Slow()
    address, end = in_thread(slow, RequestLimits(waiting=3))
    body = {"files": {"files": png(draw("disc", 1))}}
    try:
        with ThreadPoolExecutor(40) as pool:
            asked = [
                pool.submit(httpx.post, f"{address}predict", **body, timeout=30)  # type: ignore[arg-type]
                for _ in range(40)
            ]
            while sum(one.done() for one in asked) < 40 - 3 - len(os.sched_getaffinity(0)):
                time.sleep(0.05)
            slow.go.set()
            found = [one.result() for one in asked]
    finally:
        end()
    statuses = sorted(one.status_code for one in found)
    served = len(os.sched_getaffinity(0)) + 3
    assert statuses == [200] * served + [503] * (40 - served)
    assert {one.headers.get("retry-after") for one in found if one.status_code == 503} == {"1"}


def test_a_slow_request_is_given_up_and_the_server_goes_on() -> None:
    slow = Slow()
    address, end = in_thread(slow, RequestLimits(seconds=0.5))
    try:
        found = httpx.post(f"{address}predict", files={"files": png(draw("disc", 1))}, timeout=30)
        assert found.status_code == 504
        slow.go.set()
        again = httpx.post(f"{address}predict", files={"files": png(draw("disc", 1))}, timeout=30)
        assert again.json()["predictions"][0]["predicted"] == "b"
    finally:
        slow.go.set()
        end()


def test_shutdown_finishes_what_it_began(run: Path) -> None:
    slow = Slow()
    address, end = in_thread(slow, RequestLimits())
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(
            httpx.post, f"{address}predict", files={"files": png(draw("disc", 1))}, timeout=30
        )
        while httpx.get(f"{address}metrics").text.count("waiting") < 1:
            time.sleep(0.05)
        time.sleep(0.5)
        ending = pool.submit(end)
        time.sleep(0.5)
        slow.go.set()
        assert asked.result().status_code == 200
        ending.result()


def test_a_port_that_is_taken_is_a_clear_error(run: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "convlens", "serve", str(run), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_find_says_where_as_the_function_does(server: str, run: Path, shapes: Path) -> None:
    paths = sorted((shapes / "cross").glob("*.png"))[:2]
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    files.append(("files", ("bad.png", b"no picture")))
    told = httpx.post(f"{server}find", files=files, timeout=60).json()["pictures"]
    for one, own in zip(told, find(run, list(map(str, paths))), strict=False):
        assert {k: one[k] for k in own.as_json()} == json.loads(json.dumps(own.as_json()))
    assert "not a picture" in told[2]["error"]
    assert told[2]["findings"] == []


def test_a_detector_that_cannot_slide_says_so(tmp_path: Path) -> None:
    module = build(network("dense 5", 24, classes=2), 0)
    client = TestClient(create_app(Detector(export(module, 24, labels=("a", "b"), metadata={}))))
    refused = client.post("/find", content=b"x", headers={"content-type": "image/png"})
    assert refused.status_code == 409
    assert "cannot slide" in refused.json()["detail"]


def test_schemathesis_finds_nothing_against_its_own_description(server: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server}openapi.json")
    found = 0
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        assert operation is not None
        strategy = operation.as_strategy()
        for _ in range(10):
            case = strategy.example()
            # that raw pixels need a size, and a size that fits, OpenAPI has no words for
            case.call_and_validate(excluded_checks=[positive_data_acceptance])
            found += 1
    assert found >= 40
