"""The report: one file, escaped, and drawn by a real browser."""

import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from convlens import Detector, train
from convlens.pictures.source import FileSource
from convlens.report.layers import render_layers
from helpers import SMALL, save_class, save_shapes

pytestmark = pytest.mark.trains


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
    for word in ("held-out", "95\u00a0% interval", "epoch", "cost J", "Content-Security-Policy"):
        assert word in text


def test_it_shows_some_layers_with_what_their_filters_answer(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    inside = Detector(run).inside
    for number in inside.chosen:
        assert f"<h3>{number + 1}. {inside.layers[number].kind}" in text
    assert text.count('alt="maps of the layer"') == len(inside.chosen)
    assert text.count("as colours") == 1  # of the first layer
    data = (run / "detector.onnx").read_bytes()
    assert render_layers(data, [FileSource("gone.png")]) == ""


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
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    with Image.open(tmp_path / "page.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 50


def test_charts_tell_their_values_to_the_mouse(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    assert "<title>validation: accuracy (%)" in text
    assert 'id="dot' not in text  # ids would stand twice on the page


def test_what_was_wrong_with_the_pictures_is_told(tmp_path: Path) -> None:
    folder = save_shapes(tmp_path / "p", 24)
    shutil.rmtree(folder / "cross")
    save_class(folder / "cross", "cross", 5)
    shutil.copy(folder / "disc" / "003.png", folder / "disc" / "copy.png")
    (folder / "disc" / "empty.png").touch()
    done = train(folder, tmp_path / "r", epochs=1, **SMALL)
    notes = " ".join(f"{note['what']}: {note['done']}" for note in done.metrics["notes"])
    for words in (
        "1 files or folders give no pictures",
        "2 files show 1 pictures: exact copies",
        "1 of 2 classes have fewer than 10 pictures: cross (5)",
        "1 of 2 classes have fewer than 50 pictures: disc (25)",
        "classes are unequal: 25 pictures of disc, 5 of cross: every class counts",
    ):
        assert words in notes
    page = (done.folder / "report.html").read_text("utf-8")
    assert "copies are kept in one split" in page


def test_labels_that_are_probably_wrong_are_marked(tmp_path: Path) -> None:
    for kind, other in (("disc", "cross"), ("cross", "disc")):
        save_class(tmp_path / "p" / "train" / kind, kind, 60)
        save_class(tmp_path / "p" / "test" / kind, kind, 27, first=100)
        save_class(tmp_path / "p" / "test" / other, kind, 3, first=200)
    done = train(tmp_path / "p", tmp_path / "r", epochs=25, **SMALL)
    named = done.metrics["label_errors"]
    right = [name for name in named if int(Path(name).stem) >= 200]
    assert len(right) >= 4  # of 6
    assert len(right) >= 0.7 * len(named)
    assert "label wrong?" in (done.folder / "report.html").read_text("utf-8")
