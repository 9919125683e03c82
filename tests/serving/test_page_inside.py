"""The page's look inside the network."""

import re
from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, expect

from convlens import Detector
from convlens.serving.app import create_app
from helpers import draw
from networks import as_if_trained, boxes_detector, detector_of, noise
from servers import OpenPage, png, serving


def test_maps_are_drawn_and_a_value_shows_what_it_sees_and_how_it_was_made(
    open_page: OpenPage, run: Path, shapes: Path, tmp_path: Path
) -> None:
    page = open_page()
    page.set_input_files("#choose", [shapes / "disc" / "003.png", shapes / "cross" / "001.png"])
    expect(page.locator("#answers li")).to_have_count(2)
    page.focus("#tab-try")
    page.keyboard.press("ArrowRight")
    inside = Detector(run).inside
    opened = page.locator("#layers details[open]")
    expect(opened).to_have_count(len(inside.chosen))
    for k, layer in enumerate(inside.chosen):
        maps = opened.nth(k).locator("figure > canvas:first-child")
        expect(maps).to_have_count(min(16, inside.layers[layer].shape[0]))
        assert maps.first.get_attribute("height") == str(inside.layers[layer].shape[1])
    first = opened.first.locator("figure > canvas:first-child").first
    first.focus()
    expect(page.locator("#inside-says")).to_contain_text("It sees 3×3 pixels")
    row = inside.layers[0].shape[1] // 2
    expect(page.locator("#inside-says")).to_contain_text(f"row {row},")
    first.press("ArrowUp")
    expect(page.locator("#inside-says")).to_contain_text(f"row {row - 1},")
    yellow = page.locator("#inside-picture").evaluate(
        """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 0; i < d.length; i += 4)
          n += d[i] === 255 && d[i + 1] === 211 && d[i + 2] === 92; return n; }"""
    )
    assert yellow > 10
    first.press("Enter")
    expect(page.locator("#made")).to_contain_text(re.compile("red: .* × .* \\+ .* = "))
    expect(page.locator("#made canvas")).to_have_count(2)  # a patch of each picture
    Image.fromarray(draw("disc", 9)).save(tmp_path / "odd.tif")
    page.set_input_files("#inside-choose", tmp_path / "odd.tif")  # which no browser shows
    expect(page.locator("#inside-says")).to_contain_text("did not work")
    page.evaluate("document.getElementById('made').replaceChildren()")
    first.press("Enter")
    expect(page.locator("#made canvas")).to_have_count(2)
    assert not Axe().run(page).response["violations"]


def test_other_layers_wait_until_they_are_opened(
    browser_with: Callable[..., Browser], shapes: Path
) -> None:
    line = ", ".join(["conv 4 3x3 same"] * 110) + ", gap"
    asked: list[str] = []
    with serving(create_app(detector_of(as_if_trained(line, 32), 32))) as address:
        page = browser_with().new_context(locale="en-GB").new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        page.click("#tab-inside")
        page.set_input_files("#inside-choose", shapes / "disc" / "003.png")
        expect(page.locator("#layers details[open] canvas").first).to_be_visible()
        expect(page.locator("#layers details[open]")).to_have_count(6)
        before = [url for url in asked if "/maps" in url]
        closed = page.locator("#layers details.more").nth(80)
        expect(closed).to_be_hidden()
        page.click("#all-layers")
        expect(page.locator("#layers details:visible")).to_have_count(110)
        closed.locator("summary").click()
        expect(closed.locator("canvas").first).to_be_visible()
        assert len([url for url in asked if "/maps" in url]) == len(before) + 1
        page.close()


def test_of_boxes_the_picture_stands_on_its_canvas(browser_with: Callable[..., Browser]) -> None:
    detector = boxes_detector(64, 128)
    with serving(create_app(detector)) as address:
        page = browser_with().new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        page.set_input_files("#choose", {"name": "a.png", "mimeType": "", "buffer": png(noise())})
        expect(page.locator("#answers li canvas, #answers li img")).to_have_count(1)
        page.click("#tab-inside")
        maps = page.locator("#layers details[open] figure > canvas:first-child")
        expect(maps.first).to_have_attribute("width", "64")
        assert maps.first.get_attribute("height") == "32"
        shown = page.locator("#inside-picture")
        assert (shown.get_attribute("width"), shown.get_attribute("height")) == ("320", "160")
        level = shown.evaluate("c => [...c.getContext('2d').getImageData(310, 80, 1, 1).data]")
        assert level == [114, 114, 114, 255]
        maps.first.press("Enter")
        expect(page.locator("#made")).to_contain_text(re.compile("red: .* × .* \\+ .* = "))
        expect(page.locator("#made canvas")).to_have_count(1)
        page.click("#tab-why")
        expect(page.locator("#probabilities .bar")).to_have_count(3)
        page.close()
