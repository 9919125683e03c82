"""The page's first section: pictures in, answers out."""

import csv
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from convlens import Detector
from convlens.pictures.decode import decode
from servers import OpenPage


def test_where_it_is_shows_heat_and_a_box_over_the_picture(
    open_page: OpenPage, shapes: Path
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


def test_why_shows_heat_over_the_picture_and_where_after_it(
    open_page: OpenPage, shapes: Path
) -> None:
    page = open_page()
    page.set_input_files("#choose", shapes / "disc" / "003.png")
    page.get_by_role("button", name="Why?").click()
    canvas = page.locator("#answers canvas.found")
    expect(canvas).to_have_attribute("aria-label", re.compile("speaks for “(disc|cross)”"))
    red, blue = canvas.evaluate(
        """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let [r, b] = [0, 0]; for (let i = 0; i < d.length; i += 4) { r += d[i]; b += d[i + 2]; }
        return [r, b]; }"""
    )
    picture = decode((shapes / "disc" / "003.png").read_bytes()).sum((0, 1), dtype=float)
    assert red / blue > 1.05 * picture[0] / picture[2]
    assert not Axe().run(page).response["violations"]
    page.get_by_role("button", name="Where is it?").click()
    expect(canvas).to_have_attribute("aria-label", re.compile("(disc|cross) .*%"))
    expect(canvas).to_have_count(1)


def test_pictures_are_answered_and_saved_as_a_table(
    open_page: OpenPage, run: Path, shapes: Path, tmp_path: Path
) -> None:
    page = open_page()
    paths = sorted((shapes / "disc").glob("*.png"))[:11]
    (tmp_path / "broken.png").write_text("no picture")
    page.set_input_files("#choose", [*paths, tmp_path / "broken.png"])
    expect(page.locator("#answers li")).to_have_count(12)
    expect(page.locator("#answers .bad")).to_contain_text("not a picture")
    expect(page.locator("#try-status")).to_contain_text("12 pictures")
    names = page.locator("#answers small").all_inner_texts()
    assert names == [*(path.name for path in paths), "broken.png"]
    page.set_input_files("#choose", paths[5])  # a later one stands above
    expect(page.locator("#try-status")).to_have_text(re.compile(r"^1 picture, \d+ ms\.$"))
    expect(page.locator("#answers small").first).to_have_text(paths[5].name)
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    wanted = {Path(answer.name).name: answer for answer in Detector(run).predict_many(paths)}
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


def test_a_pasted_and_a_dropped_picture_are_answered(open_page: OpenPage, shapes: Path) -> None:
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


def test_what_is_not_quite_certain_is_not_shown_so(open_page: OpenPage) -> None:
    shown = open_page().evaluate(
        """async () => {
            const { formatPercent } = await import("./page/texts.js");
            return [0, 0.00001, 0.0006, 0.9994, 0.99951, 1].map((share) => formatPercent(share));
        }"""
    )
    assert shown == ["0.0%", "<0.1%", "0.1%", "99.9%", ">99.9%", "100.0%"]
