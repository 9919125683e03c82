"""The page in a real Chromium: every flow, both languages, a phone, and axe."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from scipy.signal import correlate2d

from convlens import Detector, predict
from convlens.pictures.decode import decode
from helpers import served

STEP = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0)


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    with served(run) as found:
        yield found


@pytest.fixture(scope="module")
def browser(need: Callable[..., str]) -> Iterator[Browser]:
    path = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page; a complaint in the console, or a request to another host, is a failure."""
    complaints: list[str] = []

    def watch(route: Route) -> None:
        if not route.request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"asked {route.request.url}")
        route.continue_()

    def made(**options: Any) -> Page:
        page = browser.new_context(**{"locale": "en-GB", **options}).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/*", watch)
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        return page

    yield made
    assert complaints == []


def test_where_it_is_shows_heat_and_a_box_over_the_picture(
    open_page: Callable[..., Page], shapes: Path
) -> None:
    page = open_page()
    page.set_input_files("#choose", shapes / "disc" / "003.png")
    page.get_by_role("button", name="Where is it?").click()
    canvas = page.locator("#answers canvas.found")
    expect(canvas).to_have_attribute("aria-label", re.compile("(disc|cross) .*%"))
    expect(page.locator("#answers")).to_contain_text(re.compile("windows in .* 1/"))
    expect(page.locator("#answers")).to_contain_text("Without a class")  # the run has none
    green = canvas.evaluate(
        """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 0; i < d.length; i += 4)
          n += d[i] === 20 && d[i + 1] === 220 && d[i + 2] === 120; return n; }"""
    )
    assert green > 20
    assert not Axe().run(page).response["violations"]


def test_pictures_are_answered_and_saved_as_a_table(
    open_page: Callable[..., Page], run: Path, shapes: Path, tmp_path: Path
) -> None:
    page = open_page()
    paths = sorted((shapes / "disc").glob("*.png"))[:11]
    (tmp_path / "broken.png").write_text("no picture")
    page.set_input_files("#choose", [*paths, tmp_path / "broken.png"])
    expect(page.locator("#answers li")).to_have_count(12)
    expect(page.locator("#answers .bad")).to_contain_text("not a picture")
    expect(page.locator("#state")).to_contain_text("12 pictures")
    names = page.locator("#answers small").all_inner_texts()
    assert names == [*(path.name for path in paths), "broken.png"]
    page.set_input_files("#choose", paths[5])  # a later one stands above
    expect(page.locator("#state")).to_have_text(re.compile(r"^1 picture, \d+ ms\.$"))
    expect(page.locator("#answers small").first).to_have_text(paths[5].name)
    with page.expect_download() as waiting:
        page.click("#save")
    waiting.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    wanted = {Path(one.name).name: one for one in predict(run, paths)}
    assert len(rows) == 13
    for row in rows[:11]:
        assert row["predicted"] == wanted[row["name"]].predicted
        assert float(row["p:disc"]) == pytest.approx(dict(wanted[row["name"]].top(2))["disc"])
    assert "not a picture" in rows[11]["error"]
    page.click("#clear")
    expect(page.locator("#answers li")).to_have_count(0)
    with page.expect_popup() as opened:  # so that the answers stay
        page.click("#report a")
    expect(opened.value.locator("h1")).to_contain_text("a detector")


def test_a_pasted_and_a_dropped_picture_are_answered(
    open_page: Callable[..., Page], shapes: Path
) -> None:
    page = open_page()
    data = (shapes / "disc" / "001.png").read_bytes()
    for kind, holder in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(
            """([bytes, kind, holder]) => {
                const held = new DataTransfer();
                const data = new Uint8Array(bytes);
                held.items.add(new File([data], kind + ".png", {type: "image/png"}));
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", {clipboardData: held, bubbles: true})
                    : new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true});
                document.getElementById("drop").dispatchEvent(event);
            }""",
            [list(data), kind, holder],
        )
        expect(page.locator("#answers li").first).to_contain_text(f"{kind}.png")
    expect(page.locator("#answers li")).to_have_count(2)


def test_what_is_not_quite_certain_is_not_shown_so(open_page: Callable[..., Page]) -> None:
    shown = open_page().evaluate(
        """async () => {
            const { percent } = await import("./page/texts.js");
            return [0, 0.00001, 0.0006, 0.9994, 0.99951, 1].map((share) => percent(share));
        }"""
    )
    assert shown == ["0.0%", "<0.1%", "0.1%", "99.9%", ">99.9%", "100.0%"]


def count(page: Page, name: str) -> str:
    return (
        page.locator("#counts div", has=page.get_by_text(name, exact=True))
        .locator("dd")
        .inner_text()
    )


def test_the_lectures_numbers_move_with_the_choice(open_page: Callable[..., Page]) -> None:
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
    page.fill("[name=side]", "3")
    expect(page.locator("#counts")).to_contain_text("larger than the padded picture")


def test_an_output_lights_up_its_inputs(open_page: Callable[..., Page]) -> None:
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


def test_a_filter_sweeps_over_the_lectures_step(open_page: Callable[..., Page]) -> None:
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


def test_shifts_are_judged_by_the_detector(
    open_page: Callable[..., Page], run: Path, shapes: Path
) -> None:
    page = open_page()
    page.click("#tab-why")
    path = shapes / "cross" / "003.png"
    page.set_input_files("#picture", path)
    expect(page.locator("#range")).to_contain_text("Over 1 place")
    expect(page.locator("#probabilities .bar")).to_have_count(2)
    page.focus("#moved")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#offset")).to_have_text("moved by 1, 0 pixels")
    expect(page.locator("#range")).to_contain_text("Over 2 places")
    for _ in range(3):
        page.click("[data-move='0,1']")
    expect(page.locator("#range")).to_contain_text("Over 5 places")
    page.click("#home")
    expect(page.locator("#offset")).to_have_text("moved by 0, 0 pixels")
    shown = page.locator("#probabilities .bar").first.inner_text().split("\\n")[0]
    assert shown.startswith(
        Detector(run).labels[int(Detector(run).probabilities(decode(path.read_bytes())).argmax())]
    )


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 1200, "height": 800}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
    ],
    ids=["laptop", "phone in the dark"],
)
def test_axe_finds_nothing_serious_and_nothing_overflows(
    open_page: Callable[..., Page], shapes: Path, options: dict[str, Any]
) -> None:
    page = open_page(**options)
    page.set_input_files("#choose", shapes / "disc" / "001.png")
    expect(page.locator("#answers li")).to_have_count(1)
    for tab in ("#tab-try", "#tab-teach", "#tab-why"):
        page.click(tab)
        found = Axe().run(page).response["violations"]
        serious = [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
        assert serious == []
        wide, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= shown


def test_tabs_go_by_the_arrow_keys(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.focus("#tab-try")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#why")).to_be_visible()
    expect(page.locator("#try")).to_be_hidden()
    expect(page.locator("#tab-why")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#teach")).to_be_visible()


def test_a_detector_is_taught_tried_and_taken_away(
    run: Path, shapes: Path, tmp_path: Path, browser: Browser
) -> None:
    with served(run) as address:
        page = browser.new_context(locale="en-GB").new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        page.click("#tab-teach")
        page.click("#learn")
        expect(page.locator("#learning")).to_contain_text("two classes or more")
        for n, (name, kind) in enumerate((("../ring", "disc"), ("<b>plus", "cross"))):
            box = page.locator("#taught > div").nth(n)
            box.locator("input:not([type])").fill(name)
            box.locator("[type=file]").set_input_files(sorted((shapes / kind).glob("*.png"))[:30])
            expect(box).to_contain_text("30 pictures", timeout=30_000)
        page.fill("#minutes", "0.3")
        page.click("#learn")
        expect(page.locator("#halt")).to_be_visible()
        expect(page.locator("#costs polyline").first).to_be_visible(timeout=240_000)
        expect(page.locator("#learnt")).to_be_visible(timeout=240_000)
        expect(page.locator("#learning")).to_contain_text("Done: right")
        with page.expect_download() as waiting:
            page.click("#learnt a")
        waiting.value.save_as(tmp_path / "taught.onnx")
        assert set(Detector(tmp_path / "taught.onnx").labels) == {"../ring", "<b>plus"}
        page.click("#use")
        expect(page.locator("#classes")).to_have_text("../ring · <b>plus")
        page.click("#tab-try")
        page.set_input_files("#choose", shapes / "cross" / "070.png")
        expect(page.locator("#answers h2")).to_contain_text("<b>plus")
        page.close()


def test_it_speaks_chinese_and_nothing_is_left_untranslated(open_page: Callable[..., Page]) -> None:
    page = open_page(locale="zh-CN")
    expect(page.locator("#tab-why")).to_have_text("为什么用卷积")
    assert page.get_attribute("html", "lang") == "zh"
    missing = page.evaluate(
        """async () => {
            const text = await (await fetch("page/texts.js")).text();
            const keys = (name) => {
                const body = text.split(`const ${name} = {`)[1].split("\\n};")[0];
                return [...body.matchAll(/"([\\w.]+)": "/g)].map((found) => found[1]).sort();
            };
            const [english, chinese] = [keys("english"), keys("chinese")];
            return [english.length, english.filter((key) => !chinese.includes(key))];
        }"""
    )
    assert missing[0] > 50
    assert missing[1] == []
