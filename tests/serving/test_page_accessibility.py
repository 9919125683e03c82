"""The page by keyboard, on a phone, in Chinese, and as axe reads it."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from servers import OpenPage


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 1200, "height": 800}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
    ],
    ids=["laptop", "phone in the dark"],
)
def test_axe_finds_nothing_serious_and_nothing_overflows(
    open_page: OpenPage, shapes: Path, options: dict[str, Any]
) -> None:
    page = open_page(**options)
    page.set_input_files("#choose", shapes / "disc" / "001.png")
    expect(page.locator("#answers li")).to_have_count(1)
    for tab in ("#tab-try", "#tab-teach", "#tab-why"):
        page.click(tab)
        violations = Axe().run(page).response["violations"]
        serious = [rule["id"] for rule in violations if rule["impact"] in {"serious", "critical"}]
        assert serious == []
        wide, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= shown


def test_tabs_go_by_the_arrow_keys(open_page: OpenPage) -> None:
    page = open_page()
    page.focus("#tab-try")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#why")).to_be_visible()
    expect(page.locator("#try")).to_be_hidden()
    expect(page.locator("#tab-why")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#teach")).to_be_visible()


def test_it_speaks_chinese_and_nothing_is_left_untranslated(open_page: OpenPage) -> None:
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
