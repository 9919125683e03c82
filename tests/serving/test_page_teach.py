"""A detector taught in the page."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from convlens import Detector
from servers import SECONDS, Serve


def test_a_detector_is_taught_tried_and_taken_away(
    serve: Serve, browser_with: Callable[..., Browser], shapes: Path, tmp_path: Path
) -> None:
    page = browser_with().new_context(locale="en-GB").new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.goto(serve())
    page.wait_for_selector("body[data-ready]")
    page.click("#tab-teach")
    page.click("#start-training")
    expect(page.locator("#teach-status")).to_contain_text("two classes or more")
    for n, (name, kind) in enumerate((("../ring", "disc"), ("<b>plus", "cross"))):
        box = page.locator("#class-list > div").nth(n)
        box.locator("input:not([type])").fill(name)
        box.locator("[type=file]").set_input_files(sorted((shapes / kind).glob("*.png"))[:30])
        expect(box).to_contain_text("30 pictures")
    page.fill("#minutes", "0.6")
    page.click("#start-training")
    expect(page.locator("#stop-training")).to_be_visible()
    expect(page.locator("#loss-chart polyline").first).to_be_visible()
    expect(page.locator("#trained")).to_be_visible()
    expect(page.locator("#teach-status")).to_contain_text("Done: right")
    with page.expect_download() as download:
        page.click("#trained a")
    download.value.save_as(tmp_path / "taught.onnx")
    assert set(Detector(tmp_path / "taught.onnx").labels) == {"../ring", "<b>plus"}
    page.click("#use")
    expect(page.locator("#classes")).to_have_text("../ring · <b>plus")
    page.click("#tab-try")
    page.set_input_files("#choose", shapes / "cross" / "070.png")
    expect(page.locator("#answers h2")).to_contain_text("<b>plus")
