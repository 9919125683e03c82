"""Servers in processes of their own, and their page."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from servers import SECONDS, OpenPage, Serve


@pytest.fixture(scope="session")
def serve(run: Path) -> Iterator[Serve]:
    """Starts a server with further words; its address. All end with the tests, soundly."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str, stderr: IO[str] | None = None) -> str:
        command = [sys.executable, "-m", "convlens", "serve", str(run), "--port", "0", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        processes.append(process)
        assert process.stdout is not None
        # whoever reads the address may come at once, and waits
        return process.stdout.readline().split(" at ")[1].strip()

    yield start
    for process in processes:
        process.send_signal(signal.SIGINT)
    try:
        assert [process.wait(SECONDS) for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="session")
def server(serve: Serve) -> str:
    """One for every test of the API; it keeps nothing of a request but its count."""
    return serve("--max-upload", "300000", "--max-files", "5")


@pytest.fixture(scope="session")
def page_server(serve: Serve) -> str:
    """One for every test of the page; who teaches it takes the pictures away again."""
    return serve()


@pytest.fixture
def open_page(browser_with: Callable[..., Browser], page_server: str) -> Iterator[OpenPage]:
    """Opens the page; a complaint in the console, or a request to another host, is a failure."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def watch(route: Route) -> None:
        if not route.request.url.startswith((page_server, "data:", "blob:")):
            complaints.append(f"asked {route.request.url}")
        route.continue_()

    def new_page(*words: str, script: str = "", **options: Any) -> Page:
        context = browser_with(*words).new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        context.set_default_timeout(1000 * SECONDS)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/*", watch)
        page.add_init_script(script)
        page.goto(page_server)
        page.wait_for_selector("body[data-ready]")
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert complaints == []
