"""Behind a real nginx, with the very configuration that the guide gives."""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from servers import SECONDS, Serve, get

NAME, GUIDE = "pictures.example.org", Path(__file__).parents[2] / "docs" / "deploy.md"
OUTSIDE = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@pytest.fixture
def behind_nginx(need: Callable[..., str], tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts nginx before a server, with the guide's configuration, changed so; its port."""
    program = need("nginx", "/usr/sbin/nginx")
    processes: list[subprocess.Popen[bytes]] = []

    def start(server: str, *changes: tuple[str, str]) -> int:
        text = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[0]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        text = re.sub(r" *ssl_certificate.*\n", "", text)  # nobody has one for that name here
        mine = ("listen 443 ssl", f"listen 127.0.0.1:{port}")
        for old, new in (*changes, mine, ("127.0.0.1:8000", urlsplit(server).netloc)):
            assert old in text
            text = text.replace(old, new)
        config = tmp_path / "nginx.conf"
        config.write_text(OUTSIDE.format(folder=tmp_path, server=text))
        command = [program, "-e", str(tmp_path / "errors"), "-c", str(config)]
        processes.append(subprocess.Popen(command))
        while processes[-1].poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return port
        raise AssertionError((tmp_path / "errors").read_text())

    yield start
    for process in processes:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture(scope="module")
def server_below(serve: Serve) -> str:
    """A server that has been told its name and path."""
    return serve("--allow-host", NAME, "--root-path", "/convlens", "--token", "secret")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param((), id="passes the path on"),
        pytest.param((("8000;", "8000/;"),), id="takes the path away"),
    ],
)
def test_the_page_works_below_a_path_of_a_proxy(
    behind_nginx: Callable[..., int],
    browser_with: Callable[..., Browser],
    server_below: str,
    shapes: Path,
    changes: tuple[tuple[str, str], ...],
) -> None:
    port = behind_nginx(server_below, *changes)
    browser = browser_with(f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.goto(f"http://{NAME}:{port}/convlens/?token=secret")
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#choose", shapes / "disc" / "003.png")
    expect(page.locator("#answers .bar").first).to_contain_text(re.compile("disc|cross"))
    page.context.close()


def test_through_a_proxy_refusals_and_probes_are_its_own(
    behind_nginx: Callable[..., int], server_below: str
) -> None:
    below = f"http://127.0.0.1:{behind_nginx(server_below)}/convlens"
    headers = {"host": NAME}
    assert get(f"{below}/health", headers=headers).json()["status"] == "ok"
    refused = get(f"{below}/detector", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert get(f"{below}/health", headers={"host": "evil.example"}).status_code == 403
    assert get(below, headers=headers).status_code in {301, 307}
