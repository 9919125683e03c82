"""The page's lecture: weights counted, what an output sees, a filter, shifts."""

from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect
from scipy.signal import correlate2d

from convlens import Detector
from convlens.pictures.decode import decode
from servers import OpenPage

STEP = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0)


def count(page: Page, name: str) -> str:
    return (
        page.locator("#counts div", has=page.get_by_text(name, exact=True))
        .locator("dd")
        .inner_text()
    )


def test_the_lectures_numbers_move_with_the_choice(open_page: OpenPage) -> None:
    page = open_page()
    page.click("#tab-why")
    assert count(page, "input") == "32×32×3 = 3,072"
    assert count(page, "output") == "28×28×6 = 4,704"
    assert count(page, "parameters of the filters") == "456"
    assert count(page, "weights of a dense layer") == "14,450,688"
    page.fill("[name=side]", "1000")
    assert count(page, "weights of a dense layer") == "17,856,288,000,000"
    assert count(page, "parameters of the filters") == "456"
    expect(page.locator("#field-state")).to_contain_text("Too large to draw")
    page.fill("[name=side]", "1e300")  # at most the largest that the page names
    assert count(page, "input") == "10,000×10,000×3 = 300,000,000"
    page.fill("[name=side]", "3")
    expect(page.locator("#counts")).to_contain_text("larger than the padded picture")


def test_an_output_lights_up_its_inputs(open_page: OpenPage) -> None:
    page = open_page()
    page.click("#tab-why")
    for name, value in (("side", "6"), ("channels", "1"), ("filters", "1"), ("kernel", "3")):
        page.fill(f"[name={name}]", value)
    page.hover("#outputs button >> nth=5")  # the second of the second row
    expect(page.locator("#field-state")).to_contain_text("Output (1, 1) depends on 9 of 36 inputs")
    lit = page.locator("#inputs span").evaluate_all(
        "all => all.map(one => one.className === 'lit')"
    )
    wanted = np.zeros((6, 6), bool)
    wanted[1:4, 1:4] = True
    assert np.array_equal(np.array(lit).reshape(6, 6), wanted)
    page.focus("#outputs button >> nth=5")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#field-state")).to_contain_text("Output (2, 1) depends on 9 of 36")
    page.fill("[name=padding]", "1")
    page.hover("#outputs button >> nth=0")  # the corner: padding is no input
    expect(page.locator("#field-state")).to_contain_text("Output (0, 0) depends on 4 of 36")


def test_a_filter_sweeps_over_the_lectures_step(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    page.click("#tab-why")

    def results() -> list[float]:
        return [float(v) for v in (page.get_attribute("#result", "data-values") or "").split()]

    edge = np.array([[1, 0, -1]] * 3)
    assert results() == correlate2d(STEP, edge, "valid").ravel().tolist()
    assert results()[:4] == [0, 30, 30, 0]
    page.select_option("#filter", "sobel")
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    assert results() == correlate2d(STEP, sobel, "valid").ravel().tolist()
    page.fill("#numbers input >> nth=4", "5")
    sobel[1, 1] = 5
    assert results() == correlate2d(STEP, sobel, "valid").ravel().tolist()
    assert page.input_value("#filter") == "own"
    page.click("#play")
    expect(page.locator("#sum")).to_contain_text("=")


def test_shifts_are_judged_by_the_detector(open_page: OpenPage, run: Path, shapes: Path) -> None:
    page = open_page()
    page.click("#tab-why")
    path = shapes / "cross" / "003.png"
    page.set_input_files("#picture", path)
    expect(page.locator("#range")).to_contain_text("Over 1 place")
    expect(page.locator("#probabilities .bar")).to_have_count(2)
    page.focus("#shift-canvas")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#offset")).to_have_text("moved by 1, 0 pixels")
    expect(page.locator("#range")).to_contain_text("Over 2 places")
    for _ in range(3):
        page.click("[data-move='0,1']")
    expect(page.locator("#range")).to_contain_text("Over 5 places")
    page.click("#shift-reset")
    expect(page.locator("#offset")).to_have_text("moved by 0, 0 pixels")
    shown = page.locator("#probabilities .bar").first.inner_text().split("\\n")[0]
    assert shown.startswith(
        Detector(run).labels[int(Detector(run).probabilities(decode(path.read_bytes())).argmax())]
    )
