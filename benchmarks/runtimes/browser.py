"""What the page of `convlens export --to browser` answers in Chromium, and how fast.

    python benchmarks/runtimes/browser.py RUN PICTURES --runtime node_modules/onnxruntime-web

It needs Playwright and a Chromium. Prints the largest difference of a probability from ONNX
Runtime's here, how many labels are others, and the median time for a picture, from file to answer,
of both: here it takes one core, in the page up to four of those that there are (one under
`taskset -c 0`).
"""

import argparse
import base64
import shutil
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from convlens import Detector
from convlens.errors import PictureError
from convlens.export.forms.browser import write_page
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog

ASK = """async (text) => {
    const { fetchJson } = await import("./page/api.js");
    const body = new FormData();
    body.append("files", new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt())]));
    return (await fetchJson("predict", { body })).predictions[0];
}"""


WARM_UP = 20
"""Answers before any counts: browsers compile WebAssembly well only where it runs often."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def ask(page: Page, data: bytes, labels: tuple[str, ...]) -> tuple[Any, float]:
    """Probabilities and seconds."""
    answer = page.evaluate(ASK, base64.b64encode(data).decode())
    return np.array([answer["probabilities"][label] for label in labels]), answer["seconds"]


def lossless(image: Any) -> bytes:
    out = BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("pictures", help="photographs of mixed sizes")
    parser.add_argument("--runtime", required=True, help="the npm package onnxruntime-web")
    parser.add_argument("--count", type=int, default=300, help="pictures [300]")
    args = parser.parse_args()
    detector = Detector(args.run)
    sources = read_catalog(args.pictures).sources
    step = max(1, len(sources) // args.count)
    differences, others, seconds = [], 0, []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_page(Path(folder), detector, args.runtime)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = shutil.which("chromium") or shutil.which("google-chrome")
        page = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        page.wait_for_selector("body[data-ready]")
        cores = page.evaluate("self.crossOriginIsolated ? navigator.hardwareConcurrency : 1")
        for _ in range(WARM_UP):
            ask(page, lossless(np.zeros((300, 400, 3), np.uint8)), detector.labels)
        for source in sources[::step][: args.count]:
            try:
                image = decode(source.read())
            except PictureError:
                continue
            begun = time.perf_counter()
            wanted = detector.probabilities(decode(source.read()))
            here = time.perf_counter() - begun
            pixels, _ = ask(page, lossless(image), detector.labels)
            of_file, there = ask(page, source.read(), detector.labels)
            differences.append([np.abs(p - wanted).max() for p in (pixels, of_file)])
            others += int(of_file.argmax() != wanted.argmax())
            seconds.append((here, there))
    here, there = (1000 * median(times) for times in zip(*seconds, strict=True))
    same, decoded = np.max(differences, 0)
    print(
        f"{len(seconds)} pictures: the same pixels differ by up to {same:.1g}, files by up to "
        f"{decoded:.1g}, {others} other labels; {here:.1f} ms here, {there:.1f} ms in the page "
        f"on {min(4, cores)} cores ({there / here:.2f} times)"
    )


if __name__ == "__main__":
    main()
