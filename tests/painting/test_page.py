"""The page of a learnt style, served and as an export, in a real Chromium with a made camera."""

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from httpx import Response
from playwright.sync_api import Browser, Page, Request, expect

from convlens.painting.network import Painter, style_file
from convlens.painting.style_file import StyleFile
from convlens.serving.style_app import create_style_app
from helpers import Convlens, assert_clear, photograph
from servers import MADE_CAMERA, SECONDS, disc, http_server, png, post, serving

PAINTED = """() => {
    const image = document.querySelector("#painted");
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [height, width, [...context.getImageData(0, 0, width, height).data]];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A plain web server."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that was not taught anything, whose name is no markup."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("style") / "wave.onnx"
    path.write_bytes(style_file(Painter((4, 6, 8), blocks=1), {"painting": "<b>wave</b>.jpg"}))
    return path


@pytest.fixture(params=["served", "exported"])
def address(
    request: pytest.FixtureRequest,
    style: Path,
    convlens: Convlens,
    tmp_path: Path,
) -> Iterator[str]:
    """Where the page is."""
    if request.param == "served":
        with serving(create_style_app(StyleFile(style))) as address:
            yield address
        return
    out = tmp_path / "page"
    runtime = request.getfixturevalue("web_runtime")
    done = convlens("export", style, "--to", "browser", "--runtime", runtime, "--out", out)
    assert done.returncode == 0, done.stderr
    assert (out / "style.onnx").read_bytes() == style.read_bytes()
    handler: Any = partial(Quiet, directory=str(out))
    with http_server(handler) as address:
        yield address + "/"


@pytest.fixture
def visit(browser_with: Callable[..., Browser], address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page; a complaint in the console, or a request elsewhere, is a failure."""
    complaints: list[str] = []
    contexts = []

    def watch(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"asked {request.url}")

    def open_page(**options: Any) -> Page:
        context = browser_with(*MADE_CAMERA).new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        context.set_default_timeout(1000 * SECONDS)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", watch)
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_cameras_picture_is_painted_live(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page.locator("h1")).to_have_text("convlens <b>wave</b>.jpg")
    page.click("#live-camera")
    painted = page.locator("#painted")
    for _ in range(3):  # one after the other
        expect(painted).to_be_visible()
        before = painted.get_attribute("src")
        expect(painted).not_to_have_attribute("src", before or "")
    expect(page.locator("#paint-status")).to_contain_text("pixels in")
    video = page.evaluate_handle("document.querySelector('#camera-video')")
    sides = video.evaluate("(video) => [video.videoWidth, video.videoHeight]")
    page.click("#take-picture")
    expect(page.locator("#camera")).to_be_hidden()
    page.wait_for_function(
        "([width]) => document.querySelector('#painted').naturalWidth === width", arg=sides
    )
    height, width, _ = page.evaluate(PAINTED)
    assert [width, height] == sides  # what is kept is as large as the camera's
    assert page.get_attribute("#save", "href") == painted.get_attribute("src")


def test_a_picture_is_painted_as_the_command_paints_it(
    visit: Callable[..., Page], style: Path, tmp_path: Path
) -> None:
    page = visit(locale="zh-CN")
    expect(page.locator("#drop")).to_contain_text("实时")
    photo = photograph(3, side=96).crop((0, 0, 96, 64))
    photo.save(tmp_path / "photo.png")
    page.set_input_files("#choose", tmp_path / "photo.png")
    expect(page.locator("#painted")).to_be_visible()
    page.wait_for_function("document.querySelector('#painted').naturalWidth > 0")
    height, width, data = page.evaluate(PAINTED)
    seen = np.array(data).reshape(height, width, 4)[..., :3]
    expected = StyleFile(style).paint(np.array(photo)).astype(float)
    assert seen.shape == expected.shape
    # a JPEG lies between: it keeps the means of its blocks, and less of a grain
    one, other = (x.reshape(8, 8, 12, 8, 3).mean((1, 3)) for x in (seen, expected))
    assert np.abs(one - other).max() < 4
    assert np.corrcoef(seen.ravel(), expected.ravel())[0, 1] > 0.7
    (tmp_path / "broken.png").write_text("no picture")
    page.set_input_files("#choose", tmp_path / "broken.png")
    expect(page.locator("#paint-status")).to_contain_text("没有成功")


def test_the_api_paints_and_says_what_is_wrong(style: Path) -> None:
    with serving(create_style_app(StyleFile(style))) as address:

        def ask(content: bytes, kind: str = "image/png") -> Response:
            return post(f"{address}paint", content=content, headers={"content-type": kind})

        assert ask(disc()).headers["content-type"] == "image/jpeg"
        for answer, status, title in (
            (ask(b"no picture"), 422, "Not a picture"),
            (ask(png(np.zeros((8, 90, 3), np.uint8))), 422, "Too narrow"),
            (ask(b"text", "text/plain"), 415, "Unknown kind of content"),
        ):
            assert (answer.status_code, answer.json()["title"]) == (status, title)


def test_what_a_style_does_not_take_is_told(
    style: Path, convlens: Convlens, tmp_path: Path
) -> None:
    out = ["--out", tmp_path / "page"]
    for words, says in (
        (["export", style, "--to", "edge", *out], "a learnt style takes --to browser"),
        (["export", style, "--to", "browser", *out], "needs --runtime"),
        (["serve", style, "--teach", tmp_path], "--teach goes with a detector"),
    ):
        assert_clear(convlens(*words), 2, says)
    assert not (tmp_path / "page").exists()
