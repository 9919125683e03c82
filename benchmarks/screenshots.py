"""The pictures of the program in the documentation: of a report, of the page, and of a finding.

    python benchmarks/screenshots.py RUN FINDER SCENE [--out docs]

RUN is a run from random parameters (`convlens train lecture-cats --weights none`), FINDER one with
a class `background` (`convlens train --background`), and SCENE a picture with something to find. It
writes report.png, report-phone.png, page.png, found.png and found.jpg.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from convlens import Detector
from convlens.detector.draw import draw_findings
from convlens.pictures.decode import decode
from serving.load import run_server
from shared.arguments import detector_file, script_parser


@contextmanager
def opened(browser: Browser, address: str, *, width: int = 1000, height: int) -> Iterator[Page]:
    """A page in the light, of this size in pixels."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    yield page
    page.close()


def save(page: Page, path: Path) -> None:
    """What the page shows, in few colours, as a small file."""
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(64).save(path, optimize=True)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("finder", type=Path)
    parser.add_argument("scene", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    report = (args.run / "report.html").resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for name, width, height in (("report", 1000, 2590), ("report-phone", 390, 1500)):
            with opened(browser, report, width=width, height=height) as page:
                save(page, args.out / f"{name}.png")
        with (
            run_server(detector_file(args.run), 0) as (address, _),
            opened(browser, address, height=1500) as page,
        ):
            page.click("#tab-why")
            for name, value in (("side", "12"), ("kernel", "3"), ("channels", "1")):
                page.fill(f"#layer [name={name}]", value)
            page.hover("#outputs > :nth-child(35)")
            save(page, args.out / "page.png")
        with (
            run_server(detector_file(args.finder), 0) as (address, _),
            opened(browser, address, width=900, height=900) as page,
        ):
            page.set_input_files("#choose", args.scene)
            page.click("#answers button:last-of-type")  # where it is, after why
            page.wait_for_selector("#answers canvas.found")
            save(page, args.out / "found.png")
    pixels = decode(args.scene.read_bytes())
    found = Detector(args.finder).find(args.scene)
    draw_findings(pixels, found).save(args.out / "found.jpg", quality=90)


if __name__ == "__main__":
    main()
