"""A detector taught in the page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from convlens import Detector
from convlens.serving.teach.training_process import TrainingProcess
from servers import SECONDS, Serve

HISTORY = [
    {"step": 10, "cost_train": 0.7, "cost_val": 0.8},
    {"step": 20, "cost_train": 0.4, "cost_val": 0.6},
    {"step": 40, "cost_train": 0.2, "cost_val": 0.4},
]


def test_costs_are_drawn_against_steps(serve: Serve, browser_with: Callable[..., Browser]) -> None:
    page = browser_with().new_context(locale="en-GB").new_page()
    page.goto(serve())
    page.wait_for_selector("body[data-ready]")
    curves = page.evaluate(
        """async (history) => {
          const { lossChart } = await import(new URL("page/loss_chart.js", document.baseURI));
          const curves = [...lossChart(history).querySelectorAll("polyline")];
          return curves.map((curve) => [...curve.points].map(({ x, y }) => [x, y]));
        }""",
        HISTORY,
    )
    assert len(curves) == 2
    for key, curve in zip(("cost_train", "cost_val"), curves, strict=True):
        steps, heights = zip(*curve, strict=True)
        assert [step / steps[-1] for step in steps] == pytest.approx([0.25, 0.5, 1])
        costs = [entry[key] for entry in HISTORY]
        slopes = {
            round((b - a) / (d - c), 6)
            for a, b, c, d in zip(heights, heights[1:], costs, costs[1:], strict=False)
        }
        assert len(slopes) == 1 and slopes.pop() < 0  # the higher the cost, the nearer to the top


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
    page.fill("#minutes", "0.3")
    page.click("#start-training")
    expect(page.locator("#stop-training")).to_be_visible()
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


def test_a_class_has_one_row_however_it_is_typed(
    serve: Serve, browser_with: Callable[..., Browser], shapes: Path
) -> None:
    page = browser_with().new_context(locale="en-GB").new_page()
    page.goto(serve())
    page.wait_for_selector("body[data-ready]")
    page.click("#tab-teach")
    rows = page.locator("#class-list > div")
    before = rows.count()
    rows.nth(0).locator("input:not([type])").fill(" cafe\u0301\u200b  noir ")
    rows.nth(0).locator("[type=file]").set_input_files(sorted((shapes / "disc").glob("*.png"))[:3])
    expect(rows.nth(0)).to_contain_text("3 pictures")
    assert rows.nth(0).locator("input:not([type])").input_value() == "caf\u00e9 noir"
    assert rows.count() == before


def test_a_training_is_asked_to_stop_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second signal would end it at once, and with it what it has learnt."""
    sent: list[int] = []

    class Running:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def poll(self) -> None:
            return None

        def send_signal(self, number: int) -> None:
            sent.append(number)

    monkeypatch.setattr("convlens.serving.teach.training_process.subprocess.Popen", Running)
    training = TrainingProcess(tmp_path / "t.csv", tmp_path / "run", minutes=None)
    training.stop()
    training.stop()
    assert len(sent) == 1
