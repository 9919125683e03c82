"""The report: one file, escaped, and drawn by a real browser."""

import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from conftest import SMALL, save_class
from convlens import train


class Reader(HTMLParser):
    """Collects tags, and every address that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def test_it_is_one_file_with_everything_inside(run: Path) -> None:
    page = read(run / "report.html")
    assert page.tags.count("svg") >= 3  # J, accuracy, coverage
    assert page.tags.count("img") >= 1
    outside = [a for a in page.addresses if not a.startswith(("data:", "#"))]
    assert outside == []
    text = (run / "report.html").read_text("utf-8")
    for word in ("held-out", "95 % interval", "epoch", "cost J", "Content-Security-Policy"):
        assert word in text


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    for kind, name in (("disc", "<script>alert(1)<"), ("cross", '"><img src=x onerror=alert(1)>')):
        save_class(tmp_path / "p" / name.replace("/", "_"), kind, 20)
        (tmp_path / "p" / name / "<b>bad<b>.png").write_bytes(b"")
    train(tmp_path / "p", tmp_path / "r", epochs=1, **SMALL)
    page = read(tmp_path / "r" / "report.html")
    assert "script" not in page.tags
    assert all(address.startswith("data:") for address in page.addresses)
    assert "&lt;script&gt;alert(1)&lt;" in (tmp_path / "r" / "report.html").read_text()


def test_a_browser_draws_it_without_a_complaint(
    run: Path, tmp_path: Path, need: Callable[..., str]
) -> None:
    shutil.copy(run / "report.html", tmp_path)
    command = [
        need("chromium", "chromium-browser", "google-chrome"),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        "--window-size=390,1200",
        f"--screenshot={tmp_path / 'page.png'}",
        f"file://{tmp_path / 'report.html'}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    with Image.open(tmp_path / "page.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 50
