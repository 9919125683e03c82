"""Boxes drawn in the page by pointer and keyboard, against what the server holds of them."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, Route, expect

from servers import SECONDS, OpenPage, get

EDGES = ("left", "top", "right", "bottom")


def picture(number: int, orientation: int = 1) -> Any:
    """A file of 200×100 pixels as it is stored."""
    pixels = np.random.default_rng(number).integers(0, 256, (100, 200, 3), np.uint8)
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif)
    return {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


@pytest.fixture
def teach(open_page: OpenPage, page_server: str) -> Iterator[Callable[..., Page]]:
    """Opens the page where boxes are drawn in three pictures; afterwards they are taken away."""

    def opened(**options: Any) -> Page:
        page = open_page(**options)
        page.click("#tab-teach")
        page.check("[value=boxes]")
        page.set_input_files("#box-choose", [picture(1), picture(2, 6), picture(3)])
        expect(page.locator("#strip button")).to_have_count(3)
        return page

    yield opened
    for known in get(f"{page_server}teach/boxes").json()["pictures"]:
        httpx.delete(f"{page_server}teach/boxes/{known['name']}", timeout=SECONDS)


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Press at the first of some points, in pixels of the picture, and let go at the last."""
    places = [on_screen(page, *point) for point in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    stage = page.locator("#stage")
    stage.scroll_into_view_if_needed()
    shown = stage.bounding_box()
    assert shown is not None
    width = 100 if shown["height"] > shown["width"] else 200
    scale = shown["width"] / width
    return shown["x"] + x * scale, shown["y"] + y * scale


def held(page: Page, server: str, number: int, wanted: list[tuple[Any, ...]] | None) -> None:
    """Wait until the server has these boxes of a picture, to half a pixel of the screen."""

    def same() -> bool:
        boxes = get(f"{server}teach/boxes").json()["pictures"][number]["boxes"]
        if boxes is None or wanted is None:
            return boxes is wanted
        edges = [[box[edge] for edge in EDGES] for box in boxes]
        return [box["label"] for box in boxes] == [label for label, *_ in wanted] and np.allclose(
            np.reshape(edges, (-1, 4)), np.reshape([box for _, *box in wanted], (-1, 4)), atol=0.6
        )

    for _ in range(100):
        if same():
            return
        page.wait_for_timeout(100)
    raise AssertionError(get(f"{server}teach/boxes").json()["pictures"][number])


def name_classes(page: Page, *names: str) -> None:
    for name in names:
        page.fill("#new-class", name)
        page.press("#new-class", "Enter")
    page.keyboard.press("1")


def test_boxes_are_drawn_changed_deleted_and_undone(
    teach: Callable[..., Page], page_server: str
) -> None:
    page = teach()
    drag(page, (10, 10), (60, 50))
    expect(page.locator("#draw-status")).to_have_text("Name the class first.")
    name_classes(page, "cat", "<i>dog")
    drag(page, (60, 50), (10, 10))
    held(page, page_server, 0, [("cat", 10, 10, 60, 50)])
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    drag(page, (20, 20), (199, 80), (400, 400))  # from within the other one, beyond the edge
    cat, dog = ("cat", 10, 10, 60, 50), ("<i>dog", 20, 20, 200, 100)
    held(page, page_server, 0, [cat, dog])
    page.mouse.click(*on_screen(page, 30, 30))  # the smaller one
    drag(page, (30, 30), (35, 20))  # moves it, no further than the edge
    cat = ("cat", 15, 0, 65, 40)
    held(page, page_server, 0, [cat, dog])
    drag(page, (65, 40), (100, 60))  # by its corner
    drag(page, (15, 30), (5, 90))  # by its edge, sideways alone
    held(page, page_server, 0, [("cat", 5, 0, 100, 60), dog])
    page.keyboard.press("2")
    held(page, page_server, 0, [("<i>dog", 5, 0, 100, 60), dog])
    page.click("#undo-box")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    held(page, page_server, 0, [cat, dog])
    page.mouse.click(*on_screen(page, 150, 90))
    page.keyboard.press("Delete")
    held(page, page_server, 0, [cat])
    page.click("#delete-box")  # the one that is selected then
    held(page, page_server, 0, None)
    page.click("#undo-box")
    page.click("#undo-box")
    held(page, page_server, 0, [cat, dog])
    page.locator("#strip button").nth(2).click()
    page.click("#nothing-here")
    held(page, page_server, 2, [])
    assert page.locator("#strip span").all_inner_texts() == ["2", "?", "0"]
    expect(page.locator("#box-summary")).to_contain_text("3 pictures, 2 boxes. 1 of them (?)")
    page.reload()
    page.click("#tab-teach")
    expect(page.locator("#strip [aria-current]")).to_have_attribute(
        "aria-label", "Picture 2: nobody has looked yet"
    )
    page.locator("#strip button").first.click()
    expect(page.locator(".drawn")).to_have_text(["cat", "<i>dog"])
    page.click("#remove-picture")
    expect(page.locator("#strip button")).to_have_count(2)
    assert not Axe().run(page).response["violations"]


def test_boxes_are_drawn_by_keyboard_in_a_picture_as_it_is_seen(
    teach: Callable[..., Page], page_server: str
) -> None:
    page = teach(color_scheme="dark")
    name_classes(page, "cat")
    page.locator("#strip button").nth(1).click()
    size = page.locator("#stage img").evaluate(
        "async (i) => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }"
    )
    assert size == [100, 200]
    known = get(f"{page_server}teach/boxes").json()["pictures"][1]
    assert [known["width"], known["height"]] == size
    page.click("#add-box")
    held(page, page_server, 1, [("cat", 35, 70, 65, 130)])
    for key in ("ArrowLeft", "ArrowDown", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    held(page, page_server, 1, [("cat", 34, 72, 65, 131)])
    page.click("#add-box")
    page.keyboard.press("Shift+Tab")  # to the first one
    expect(page.locator(".drawn").first).to_be_focused()
    page.keyboard.press("Delete")
    held(page, page_server, 1, [("cat", 35, 70, 65, 130)])
    assert not Axe().run(page).response["violations"]


def test_a_pasted_and_a_dropped_picture_are_to_be_drawn_in(teach: Callable[..., Page]) -> None:
    page = teach()
    for number, kind in ((4, "paste"), (5, "drop")):
        page.evaluate(
            """([bytes, kind]) => {
                const held = new DataTransfer();
                const data = new Uint8Array(bytes);
                held.items.add(new File([data], "it.jpg", {type: "image/jpeg"}));
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", {clipboardData: held, bubbles: true})
                    : new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true});
                document.body.dispatchEvent(event);
            }""",
            [list(picture(number)["buffer"]), kind],
        )
        expect(page.locator("#strip button")).to_have_count(number)
    assert page.locator("#answers li").count() == 0  # they were not meant to be tried


def test_boxes_are_drawn_by_finger(teach: Callable[..., Page], page_server: str) -> None:
    page = teach(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    name_classes(page, "cat")
    touch = page.context.new_cdp_session(page)
    for kind, *places in (
        ("touchStart", (20, 20)), ("touchMove", (60, 30)), ("touchMove", (120, 70)), ("touchEnd",)
    ):  # fmt: skip
        points = [dict(zip("xy", on_screen(page, *place), strict=True)) for place in places]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    held(page, page_server, 0, [("cat", 20, 20, 120, 70)])
    wide, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= shown


def test_what_a_detector_finds_is_suggested(
    open_page: OpenPage, teach: Callable[..., Page], page_server: str
) -> None:
    """Its answers are made up here: those of a real one are the detector's own matter."""
    page = teach()
    expect(page.locator("#suggest-boxes")).to_be_hidden()  # what is served tells classes alone
    detector = get(f"{page_server}detector").json()
    detector["provenance"]["task"] = "boxes"
    found = [("cat", 10, 10, 60, 50), ("owl", -5, 40, 30.25, 99), ("cat", 12, 10, 61, 50)]
    objects = [
        {"predicted": label, "score": 0.9, "box": dict(zip(EDGES, edges, strict=True))}
        for label, *edges in found
    ]
    answers: dict[str, Any] = {
        "detector": detector,
        "predict": {"predictions": [{"objects": objects[:2], "error": None}]},
    }

    def fulfil(route: Route) -> None:
        route.fulfill(json=answers[route.request.url.rsplit("/", 1)[1]])

    for path in answers:
        page.route(f"**/{path}", fulfil)
    page.reload()
    page.click("#tab-teach")
    page.click("#suggest-boxes")
    expect(page.locator("#draw-status")).to_contain_text("2 boxes suggested")
    owl = ("owl", 0, 40, 30.3, 99)
    held(page, page_server, 0, [("cat", 10, 10, 60, 50), owl])
    answers["predict"]["predictions"][0]["objects"] = objects[2:]
    page.click("#suggest-boxes")  # of what has a box there is none more
    expect(page.locator("#draw-status")).to_have_text("It finds nothing more.")
    page.click("#undo-box")
    held(page, page_server, 0, None)
