"""What the server does not take is a problem (RFC 9457), and costs it nothing."""

from typing import Any

import httpx
import pytest

from servers import disc, get, post


def request(kind: str) -> dict[str, Any]:
    small = disc()
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
    response = post(f"{server}predict", **request(kind))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]
    assert get(f"{server}health").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["nothing", "page/app.py", "page/..%2f..%2fapp.py", "page/"])
def test_no_path_reaches_the_file_system(server: str, path: str) -> None:
    response = get(server + path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
