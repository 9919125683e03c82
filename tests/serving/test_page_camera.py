"""The page's camera, in a Chromium that has a made one, or none, or must not use it."""

import pytest
from playwright.sync_api import expect

from servers import MADE_CAMERA, OpenPage, get


def test_a_photograph_is_answered(open_page: OpenPage) -> None:
    page = open_page(*MADE_CAMERA)
    page.click("#open-camera")
    expect(page.locator("#try #camera")).to_be_visible()
    for number in (1, 2):
        page.click("#take-picture")
        first = page.locator("#answers li").first
        expect(first).to_contain_text(f"camera-{number}.jpg")
        expect(first.locator(".bar")).to_have_count(2)
    size, brightest = page.evaluate(
        """() => {
            const image = document.querySelector("#answers img");
            const video = document.querySelector("#camera-video");
            const [width, height] = [video.videoWidth, video.videoHeight];
            const canvas = Object.assign(document.createElement("canvas"), { width, height });
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, width, height);
            const size = [image.naturalWidth - width, image.naturalHeight - height];
            return [size, data.filter((_, n) => n % 4 < 3).reduce((a, b) => Math.max(a, b))];
        }"""
    )
    assert size == [0, 0]  # the camera's own
    assert brightest > 200
    page.click("#close-camera")
    expect(page.locator("#camera")).to_be_hidden()
    expect(page.locator("#open-camera")).to_be_focused()


def test_another_section_ends_the_camera(open_page: OpenPage) -> None:
    page = open_page(*MADE_CAMERA)
    page.click("#open-camera")
    expect(page.locator("#take-picture")).to_be_enabled()
    track = page.evaluate_handle(
        "document.querySelector('#camera-video').srcObject.getVideoTracks()[0]"
    )
    assert track.evaluate("one => one.readyState") == "live"
    page.click("#tab-why")
    page.wait_for_function("one => one.readyState === 'ended'", arg=track)
    page.click("#tab-try")
    expect(page.locator("#camera")).to_be_hidden()
    page.click("#open-camera")
    expect(page.locator("#take-picture")).to_be_enabled()


def test_photographs_go_into_the_class_that_asked(open_page: OpenPage, page_server: str) -> None:
    page = open_page(*MADE_CAMERA)
    page.click("#tab-teach")
    boxes = page.locator("#class-list > div")
    camera = page.get_by_role("button", name="From the camera")
    camera.nth(0).click()
    expect(page.locator("#teach-status")).to_contain_text("Name the class first")
    expect(boxes.nth(0).locator("input:not([type])")).to_be_focused()
    for n, name in enumerate(("cup", "no cup")):
        boxes.nth(n).locator("input:not([type])").fill(name)
    for n, many in ((0, 3), (1, 2)):
        camera.nth(n).click()
        expect(boxes.nth(n).locator("#camera")).to_be_visible()
        for count in range(many):
            page.click("#take-picture")
            expect(boxes.nth(n)).to_contain_text(f"{count + 1} picture")
    assert get(f"{page_server}teach").json()["labels"] == {"cup": 3, "no cup": 2}
    page.reload()  # what has been taught is still there, and can be seen
    page.click("#tab-teach")
    expect(boxes.nth(1)).to_contain_text("2 pictures")
    assert boxes.nth(1).locator("input:not([type])").input_value() == "no cup"
    camera.nth(1).click()
    expect(page.locator("#take-picture")).to_be_enabled()
    page.get_by_role("button", name="Take this class away").nth(1).click()  # and its camera
    expect(page.locator("#camera")).to_be_hidden()
    expect(boxes).to_have_count(1)
    camera.nth(0).click()
    page.click("#take-picture")
    expect(boxes.nth(0)).to_contain_text("4 pictures")
    assert get(f"{page_server}teach").json()["labels"] == {"cup": 4}
    page.get_by_role("button", name="Take this class away").click()
    expect(boxes).to_have_count(0)
    assert get(f"{page_server}teach").json()["labels"] == {}


REFUSED = ["--use-fake-device-for-media-stream", "--deny-permission-prompts"]
HIDDEN = "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined });"
"""As browsers have it where a page comes by plain http from another computer."""


@pytest.mark.parametrize(
    ("words", "options", "says"),
    [
        (REFUSED, {}, "allow it"),
        (REFUSED, {"locale": "zh-CN"}, "允许"),
        (["--use-fake-ui-for-media-stream"], {}, "No camera was found"),
        (MADE_CAMERA, {"script": HIDDEN}, "https"),
    ],
    ids=["refused", "refused, in Chinese", "none there", "plain http"],
)
def test_where_there_is_no_camera_it_says_why(
    open_page: OpenPage, words: list[str], options: dict[str, str], says: str
) -> None:
    page = open_page(*words, **options)
    camera = page.locator("#open-camera").inner_text()
    page.click("#open-camera")
    expect(page.locator("#try-status")).to_contain_text(says)
    expect(page.locator("#camera")).to_be_hidden()
    page.click("#tab-teach")
    page.click("#add-class")
    page.locator("#class-list input:not([type])").last.fill("cup")
    page.get_by_role("button", name=camera).last.click()
    expect(page.locator("#teach-status")).to_contain_text(says)
