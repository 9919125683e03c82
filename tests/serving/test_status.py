"""What the server tells of the detector and of itself."""

import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from servers import SECONDS, Serve, get, post_disc


def test_it_tells_of_the_detector_and_of_itself(server: str, run: Path) -> None:
    about = get(f"{server}detector").json()
    assert about["labels"] == ["cross", "disc"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert about["metrics"]["accuracy"] == metrics["test"]["accuracy"]
    assert about["limits"]["files"] == 5
    post_disc(server)
    text = get(f"{server}metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["convlens_requests"].samples
    assert sum(sample.value for sample in families["convlens_pictures"].samples) >= 1
    assert "<h1>" in get(f"{server}report").text


@pytest.mark.parametrize(
    "path", ["", "health", "metrics", "detector", "openapi.json", "report", "page/app.js", "teach"]
)
def test_head_is_get_without_the_body(server: str, path: str) -> None:
    head = httpx.head(server + path, timeout=SECONDS)
    assert head.status_code == 200
    assert head.content == b""
    whole = get(server + path)
    for name in ("content-type", "content-security-policy", "content-length"):
        if path != "metrics" or name != "content-length":  # whose counts grow
            assert head.headers.get(name) == whole.headers.get(name)


def test_head_where_nothing_can_be_got(server: str) -> None:
    assert httpx.head(f"{server}nothing", timeout=SECONDS).status_code == 404
    assert httpx.head(f"{server}predict", timeout=SECONDS).status_code == 405


def test_http_1_0_without_a_name_is_answered(server: str) -> None:
    address = urlsplit(server)
    with socket.create_connection((address.hostname or "", address.port or 0)) as client:
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.split(b"\r\n")[0].endswith(b"200 OK")
    assert b'"ok"' in answer


def test_the_access_log_tells_of_each_request_and_never_the_token(
    serve: Serve, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("w") as stderr:
        address = serve("--access-log", "--token", "secret", stderr=stderr)
    bare = address.split("?")[0]
    get(f"{bare}?token=secret")
    get(f"{bare}no%0athing?token=secret")
    httpx.head(f"{bare}health", timeout=SECONDS)
    get(f"{bare}health", headers={"x-forwarded-for": "203.0.113.7"})  # as a proxy here says
    end = time.monotonic() + SECONDS  # a line is written when its answer is on the way already
    while len(log.read_text().splitlines()) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    lines = [line.split(" ", 1)[1] for line in log.read_text().splitlines()]
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "127.0.0.1 GET / 200",
        "127.0.0.1 GET /no%0Athing 401",
        "127.0.0.1 HEAD /health 200",
        "203.0.113.7 GET /health 200",
    ]
