"""Who may use the server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from convlens import Detector
from convlens.errors import UsageError
from convlens.serving.app import create_app
from convlens.serving.auth import LOOPBACK
from convlens.serving.server_settings import ServerSettings
from helpers import Convlens, assert_clear
from servers import SECONDS, Serve, get

TOKEN = "secret"  # noqa: S105 (of the tests alone)


def test_a_token_is_needed_where_it_was_asked_for(serve: Serve) -> None:
    address = serve("--token", "secret word")
    bare = address.split("?")[0]
    for headers in ({}, {"authorization": "Bearer wrong"}):
        refused = get(f"{bare}detector", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    headers = {"authorization": "Bearer secret word"}
    assert get(f"{bare}detector", headers=headers).status_code == 200
    with httpx.Client(
        timeout=SECONDS
    ) as browser:  # the page's address holds it, its requests the cookie
        assert browser.get(f"{bare}?token=secret%20word").status_code == 200
        assert browser.get(f"{bare}detector").status_code == 200
        assert browser.get(f"{bare}detector?token=secret%20word").status_code == 200
    assert get(f"{bare}detector?token=secret%20word").status_code == 401


def test_servers_of_one_host_have_cookies_of_their_own(
    client_of: Callable[..., TestClient],
) -> None:
    one, other = client_of(token=TOKEN), client_of(token=TOKEN * 2)
    one.get(f"/?token={TOKEN}")
    other.cookies = one.cookies  # as browsers send those of one host to all of its ports
    assert other.get(f"/?token={TOKEN * 2}").status_code == 200
    assert {client.get("/detector").status_code for client in (one, other)} == {200}


def test_a_token_is_made_where_others_may_come(serve: Serve) -> None:
    bare, token = serve("--host", "0.0.0.0").split("?token=")  # noqa: S104
    assert get(f"{bare}detector").status_code == 401
    headers = {"authorization": f"Bearer {token}"}
    assert get(f"{bare}detector", headers=headers).status_code == 200


@pytest.fixture
def client_of(run: Path) -> Iterator[Callable[..., TestClient]]:
    """Gives a client of a server with these settings, as `localhost`."""
    with ExitStack() as clients:

        def client(**settings: Any) -> TestClient:
            app = create_app(Detector(run), settings=ServerSettings(**settings))
            return clients.enter_context(TestClient(app, "http://localhost"))

        yield client


def test_a_token_is_shown_as_the_standard_says(client_of: Callable[..., TestClient]) -> None:
    client = client_of(token=TOKEN)
    for shown, status in (
        *(("Bearer secret", 200), ("bearer secret", 200), ("BEARER  secret", 200)),
        *(("Basic secret", 401), ("secret", 401), ("Bearer", 401), ("Bearer s\u00e9cret", 401)),
    ):
        headers = {b"authorization": shown.encode("latin-1")}
        assert client.get("/detector", headers=headers).status_code == status


def test_probes_and_collectors_need_no_token(client_of: Callable[..., TestClient]) -> None:
    client = client_of(token=TOKEN, root_path="/below")
    for path in ("/health", "/metrics", "/below/health", "/below/metrics"):
        assert client.get(path).status_code == 200
    for path in ("/", "/detector", "/openapi.json", "/health/", "/page/app.js", "/teach"):
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("token", ["schlüssel", "密码", "a\nb", " a", "a ", "\x7f"])
def test_a_token_that_no_header_can_hold_is_refused_at_start(
    convlens: Convlens, run: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    assert_clear(convlens("serve", run, "--token", token), 2, "token")
    monkeypatch.setenv("CONVLENS_TOKEN", token)
    assert_clear(convlens("serve", run), 2, "token")


def test_a_token_in_a_file_is_taken_or_its_lack_said(
    convlens: Convlens, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("CONVLENS_TOKEN_FILE", str(file))
    assert_clear(convlens("serve", run), 1, f"cannot read the token in {file}: No such file")
    for content in (b"", b"\n", b"two\nlines\n", b"\xff\n"):
        file.write_bytes(content)
        assert_clear(convlens("serve", run), 2, "a token has visible ASCII characters")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost", 200), ("localhost:8000", 200), ("LOCALHOST", 200), ("[::1]:80", 200)),
        *(("pictures.example", 200), ("pictures.example:8443", 200), ("10.1.2.3:8000", 200)),
        *(("evil.example", 403), ("localhost.evil.example", 403), ("", 403), ("[::1", 403)),
    ],
)
def test_names_are_allowed_and_numbers_lead_nobody_astray(
    client_of: Callable[..., TestClient], host: str, status: int
) -> None:
    client = client_of(hosts=(*LOOPBACK, "Pictures.example"))
    assert client.get("/health", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        *(("http://localhost", "localhost", 200), ("https://a.example", "a.example:443", 200)),
        *(("https://shop.example", "localhost", 200), ("http://shop.example", "localhost", 403)),
        *(("https://shop.example:1", "localhost", 403), ("null", "localhost", 403)),
        *(("http://localhost:1", "localhost:2", 403), ("http://localhost", "localhost:2", 403)),
    ],
)
def test_pages_of_other_sites_are_allowed_by_name(
    client_of: Callable[..., TestClient], origin: str, host: str, status: int
) -> None:
    client = client_of(origins=["https://shop.example"])
    response = client.get("/detector", headers={"origin": origin, "host": host})
    assert response.status_code == status
    shared = response.headers.get("access-control-allow-origin")
    assert shared == ("https://shop.example" if origin == "https://shop.example" else None)


def test_browsers_may_ask_before_they_send(client_of: Callable[..., TestClient]) -> None:
    client = client_of(origins=["https://shop.example"], token=TOKEN)
    headers = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    assert client.options("/predict", headers=headers).status_code == 200
    headers["origin"] = "https://evil.example"
    assert not client.options("/predict", headers=headers).is_success


@pytest.mark.parametrize(
    "wrong",
    [
        *({"origins": [origin]} for origin in ("*", "shop.example", "https://a/b", "https://A")),
        *(
            {"hosts": [host]}
            for host in ("*", "*.shop", "http://shop", "shop:80", "a:80", "a b", "")
        ),
        *({"root_path": path} for path in ("below", "/below/", "/", "/a?b")),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="such as"):
        ServerSettings(**wrong)


def test_an_empty_token_is_not_taken_for_none(convlens: Convlens, run: Path) -> None:
    assert_clear(convlens("serve", run, "--token", ""), 2, "a token has visible ASCII characters")
