"""The report: one file, escaped, and drawn by a real browser."""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, expect

from convlens import Detector, train
from convlens.pictures.source import FileSource
from convlens.report.layers import render_layers
from helpers import SMALL, save_class, save_shapes

pytestmark = pytest.mark.trains


class Reader(HTMLParser):
    """Collects tags, and every address that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def test_it_is_one_file_with_everything_inside(run: Path) -> None:
    page = read(run / "report.html")
    assert page.tags.count("svg") >= 3  # J, accuracy, coverage
    assert page.tags.count("img") >= 1
    outside = [a for a in page.addresses if not a.startswith(("data:", "#"))]
    assert outside == []
    text = (run / "report.html").read_text("utf-8")
    for word in ("held-out", "95\u00a0% interval", "epoch", "cost J", "Content-Security-Policy"):
        assert word in text


def test_it_shows_some_layers_with_what_their_filters_answer(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    inside = Detector(run).inside
    for number in inside.chosen:
        assert f"<h3>{number + 1}. {inside.layers[number].kind}" in text
    channels = [inside.layers[number].shape[0] for number in inside.chosen]
    assert text.count("data-range=") == sum(min(9, count) for count in channels)
    assert text.count("as colours") == min(9, channels[0])  # of the first layer
    data = (run / "detector.onnx").read_bytes()
    assert render_layers(data, [FileSource("gone.png")], multiplications=1) == ""


def test_pointing_at_a_map_shows_what_its_value_sees(
    run: Path, browser_with: Callable[..., Browser]
) -> None:
    """By mouse, keyboard and finger."""
    inside = Detector(run).inside
    number = inside.chosen[1]
    layer, (height, width) = inside.layers[number], inside.layers[number].shape[1:]
    asked: list[str] = []
    context = browser_with().new_context(has_touch=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    page.goto((run / "report.html").as_uri())
    maps = page.locator("[data-layer]").nth(1).locator("[data-range]")
    low, high = json.loads(maps.first.get_attribute("data-range") or "")
    drawing = (maps.first.get_attribute("src") or "").partition("base64,")[2]
    levels = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawing))))
    assert levels.shape == (height, width)
    says, field = page.locator("#map-says"), page.locator("#map-field")
    expect(field).to_be_hidden()
    image, image_of = np.zeros((9, 9, 3), np.uint8), page.locator(".looked img")

    def check(row: int, column: int) -> None:
        expect(says).to_contain_text(
            f"layer {number + 1}, filter {maps.first.get_attribute('alt').split()[-1]}, "  # type: ignore[union-attr]
            f"row {row}, column {column}: "
        )
        told = float(says.inner_text().split(": ")[1].split(". ")[0].replace(",", ""))
        value = low + (high - low) * levels[row, column] / 255
        assert told == pytest.approx(value, abs=0.01 * (high - low))
        box, whole, drawn = (
            inside.seen(image, number, row=row, column=column),
            image_of.bounding_box(),
            field.bounding_box(),
        )
        assert whole is not None
        assert drawn is not None
        assert drawn["x"] - whole["x"] == pytest.approx(box.left * whole["width"], abs=1)
        assert drawn["y"] - whole["y"] == pytest.approx(box.top * whole["height"], abs=1)
        assert drawn["width"] == pytest.approx((box.right - box.left) * whole["width"], abs=1)
        assert drawn["height"] == pytest.approx((box.bottom - box.top) * whole["height"], abs=1)

    maps.first.focus()
    check(height // 2, width // 2)
    maps.first.press("ArrowUp")
    maps.first.press("ArrowLeft")
    check(height // 2 - 1, width // 2 - 1)
    shown = maps.first.bounding_box()
    assert shown is not None
    maps.first.hover(position={"x": shown["width"] * 1.5 / width, "y": shown["height"] - 1})
    check(height - 1, 1)
    maps.first.tap(position={"x": shown["width"] - 1, "y": 1})
    check(0, width - 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not [one for one in asked if not one.startswith(("file:", "data:"))]
    assert not Axe().run(page).response["violations"]
    context.close()
    assert layer.field is not None


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    for kind, name in (("disc", "<script>alert(1)<"), ("cross", '"><img src=x onerror=alert(1)>')):
        save_class(tmp_path / "p" / name.replace("/", "_"), kind, 20)
        (tmp_path / "p" / name / "<b>bad<b>.png").write_bytes(b"")
    train(tmp_path / "p", tmp_path / "r", epochs=1, **SMALL)
    page = read(tmp_path / "r" / "report.html")
    assert page.tags.count("script") == 1  # the report's own
    assert all(address.startswith("data:") for address in page.addresses)
    assert "&lt;script&gt;alert(1)&lt;" in (tmp_path / "r" / "report.html").read_text()


@pytest.mark.parametrize("trained", ["run", "boxes_run"])
def test_a_browser_draws_it_without_a_complaint(
    trained: str, request: pytest.FixtureRequest, tmp_path: Path, need: Callable[..., str]
) -> None:
    shutil.copy(request.getfixturevalue(trained) / "report.html", tmp_path)
    command = [
        need("chromium", "chromium-browser", "google-chrome"),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        "--window-size=390,1200",
        f"--screenshot={tmp_path / 'page.png'}",
        f"file://{tmp_path / 'report.html'}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    with Image.open(tmp_path / "page.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("trained", ["run", "boxes_run"])
def test_axe_finds_nothing_in_a_report_and_nothing_overflows(
    trained: str,
    width: int,
    scheme: Literal["light", "dark"],
    request: pytest.FixtureRequest,
    browser_with: Callable[..., Browser],
) -> None:
    context = browser_with().new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto((request.getfixturevalue(trained) / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not Axe().run(page).response["violations"]
    context.close()


def test_charts_tell_their_values_to_the_mouse(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    assert "<title>validation: accuracy (%)" in text
    assert 'id="dot' not in text  # ids would stand twice on the page


def test_what_was_wrong_with_the_pictures_is_told(tmp_path: Path) -> None:
    folder = save_shapes(tmp_path / "p", 24)
    shutil.rmtree(folder / "cross")
    save_class(folder / "cross", "cross", 5)
    shutil.copy(folder / "disc" / "003.png", folder / "disc" / "copy.png")
    (folder / "disc" / "empty.png").touch()
    done = train(folder, tmp_path / "r", epochs=1, **SMALL)
    notes = " ".join(f"{note['what']}: {note['done']}" for note in done.metrics["notes"])
    for words in (
        "1 files or folders give no pictures",
        "2 files show 1 pictures: exact copies",
        "1 of 2 classes have fewer than 10 pictures: cross (5)",
        "1 of 2 classes have fewer than 50 pictures: disc (25)",
        "classes are unequal: 25 pictures of disc, 5 of cross: every class counts",
    ):
        assert words in notes
    page = (done.folder / "report.html").read_text("utf-8")
    assert "copies are kept in one split" in page


def test_labels_that_are_probably_wrong_are_marked(tmp_path: Path) -> None:
    for kind, other in (("disc", "cross"), ("cross", "disc")):
        save_class(tmp_path / "p" / "train" / kind, kind, 60)
        save_class(tmp_path / "p" / "test" / kind, kind, 27, first=100)
        save_class(tmp_path / "p" / "test" / other, kind, 3, first=200)
    done = train(tmp_path / "p", tmp_path / "r", epochs=25, **SMALL)
    named = done.metrics["label_errors"]
    right = [name for name in named if int(Path(name).stem) >= 200]
    assert len(right) >= 4  # of 6
    assert len(right) >= 0.7 * len(named)
    assert "label wrong?" in (done.folder / "report.html").read_text("utf-8")
