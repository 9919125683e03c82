"""The page that runs a detector by itself, in a real Chromium, offline."""

import base64
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

from convlens import Detector, export_detector
from convlens.errors import UsageError
from convlens.export.forms.browser import write_page
from convlens.export.metadata import with_metadata
from convlens.tasks.classification.rules.rule import Rule
from helpers import Convlens, draw
from servers import MADE_CAMERA, png

PICTURES = [draw("disc", 5, 24, 24), draw("cross", 6, 90, 61), draw("disc", 7, 19, 200)]
LABELS = ('<b>猫</b> "&"', "10")
WEB = Path(__file__).parents[3] / "src/convlens/export/forms/web"

ASK = """async ([path, pictures]) => {
    const { fetchJson } = await import("./page/api.js");
    const body = new FormData();
    for (const picture of pictures)
        body.append("files", new Blob([Uint8Array.from(atob(picture), (c) => c.charCodeAt())]));
    return fetchJson(path, { body });
}"""


@pytest.fixture
def visit(browser_with: Callable[..., Browser], web_runtime: Path) -> Iterator[Callable[..., Page]]:
    """Opens a folder's page behind a plain web server; a request elsewhere is a failure."""
    complaints: list[str] = []
    ends: list[Callable[[], object]] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    def open_folder(folder: Path, *words: str, **options: Any) -> Page:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"

        def watch(request: Request) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                complaints.append(f"asked {request.url}")

        context = browser_with(*words).new_context(**{"locale": "en-GB", **options})
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        context.on("request", watch)
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        context.set_offline(True)  # all that it needs is there
        ends.extend([context.close, server.shutdown, server.server_close])
        return page

    yield open_folder
    for end in ends:
        end()
    assert complaints == []


def ask(page: Page, path: str, pictures: list[Any]) -> Any:
    return page.evaluate(ASK, [path, [base64.b64encode(png(p)).decode() for p in pictures]])


def test_the_page_answers_as_the_detector(
    run: Path, tmp_path: Path, convlens: Convlens, visit: Callable[..., Page], web_runtime: Path
) -> None:
    out = tmp_path / "page"
    words = ["--to", "browser", "--runtime", web_runtime, "--out", out, "--quiet"]
    assert convlens("export", run, *words).returncode == 0
    assert (out / "detector.onnx").read_bytes() == (run / "detector.onnx").read_bytes()
    detector, page = Detector(run), visit(out)
    answers = ask(page, "predict", PICTURES)["predictions"]
    for picture, answer in zip(PICTURES, answers, strict=True):
        wanted = detector.predict(picture)
        assert answer["predicted"] == wanted.predicted
        assert answer["probabilities"] == pytest.approx(dict(wanted.top(2)), abs=1e-5)
    for picture, found in zip(PICTURES, ask(page, "find", PICTURES)["pictures"], strict=True):
        localization = detector.find(picture)
        expected = localization.as_json()
        for key in ("windows", "multiplications", "multiplications_cut_out"):
            assert found[key] == expected[key]
        for label, heat in (localization.heat or {}).items():
            assert np.array(found["heat"][label]) == pytest.approx(heat, abs=1e-4)
        assert [one["predicted"] for one in found["findings"]] == [
            one["predicted"] for one in expected["findings"]
        ]
        for one, other in zip(found["findings"], expected["findings"], strict=True):
            assert one["box"] == pytest.approx(other["box"], abs=0.1)
    assert Detector(out).predict(PICTURES[0]).predicted  # a folder to every command


def test_a_visitor_sees_answers_and_heat_whatever_the_labels(
    run: Path, tmp_path: Path, visit: Callable[..., Page], web_runtime: Path
) -> None:
    file = tmp_path / "detector.onnx"
    file.write_bytes(with_metadata((run / "detector.onnx").read_bytes(), {"labels": list(LABELS)}))
    (tmp_path / "page").mkdir()
    write_page(tmp_path / "page", Detector(file), str(web_runtime))
    page = visit(tmp_path / "page", locale="zh-CN")
    expect(page.locator("header")).to_contain_text("图片不会发送到任何地方")
    expect(page.locator("#classes")).to_have_text(" · ".join(LABELS))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "disc.png").write_bytes(png(PICTURES[2]))
    page.set_input_files("#choose", [tmp_path / "disc.png", tmp_path / "broken.png"])
    expect(page.locator("#answers li")).to_have_count(2)
    first, second = page.locator("#answers li").all()
    expect(second.locator(".bad")).not_to_be_empty()
    names = first.locator(".bar span:first-child").all_inner_texts()
    top = Detector(file).predict(PICTURES[2]).top(2)
    assert names == [label for label, _ in top]
    for name in ("为什么？", "在哪里？"):
        first.get_by_role("button", name=name).click()
        expect(first.locator("canvas.found")).to_be_visible()
        expect(first.locator("p.soft")).to_contain_text(top[0][0] if name[0] == "为" else "窗")


@pytest.mark.parametrize(("kept", "tolerance"), [(True, 2e-3), (False, 0.05)])
def test_the_pages_heat_maps_are_the_detectors(
    run: Path,
    tmp_path: Path,
    visit: Callable[..., Page],
    web_runtime: Path,
    kept: bool,
    tolerance: float,
) -> None:
    """Of class maps, and by hiding, where the blur of what is hidden is not just Pillow's."""
    data = (run / "detector.onnx").read_bytes()
    detector = Detector(data if kept else with_metadata(data, {"class_maps": ""}))
    (tmp_path / "detector.onnx").write_bytes(detector.session.graph() or b"")
    (tmp_path / "page").mkdir()
    write_page(tmp_path / "page", Detector(tmp_path / "detector.onnx"), str(web_runtime))
    answers = ask(visit(tmp_path / "page"), "heat-map", PICTURES)["pictures"]
    for picture, answer in zip(PICTURES, answers, strict=True):
        wanted = detector.heat_map(picture)
        assert wanted.method == ("class activation map" if kept else "occlusion")
        assert answer["label"] == wanted.label
        assert answer["probability"] == pytest.approx(wanted.probability, abs=1e-5)
        assert np.array(answer["heat"]) == pytest.approx(wanted.heat, abs=tolerance)


def test_the_page_draws_the_boxes_of_a_detector_of_boxes(
    boxes_run: Path, objects: Path, tmp_path: Path, visit: Callable[..., Page], web_runtime: Path
) -> None:
    out = tmp_path / "page"
    export_detector(boxes_run, to="browser", out=out, runtime=str(web_runtime))
    page, detector = visit(out), Detector(boxes_run)
    paths = sorted((objects / "images").glob("*.png"))[:3]
    pictures = [np.asarray(Image.open(path).resize((150, 70))) for path in paths]
    for picture, answer in zip(
        pictures, ask(page, "predict", pictures)["predictions"], strict=True
    ):
        wanted: Any = detector.predict(picture)
        assert answer["counts"] == wanted.counts()
        for one, other in zip(answer["objects"], wanted.objects, strict=True):
            assert one["predicted"] == other.predicted
            assert one["score"] == pytest.approx(other.score, abs=1e-4)
            assert one["box"] == pytest.approx(other.box._asdict(), abs=0.1)
    page.set_input_files("#choose", paths)
    expect(page.locator("#answers canvas.found")).to_have_count(3)


def test_the_page_computes_on_several_cores(
    run: Path, tmp_path: Path, visit: Callable[..., Page], web_runtime: Path
) -> None:
    """Behind a server that sends none of the headers which that takes."""
    (tmp_path / "page").mkdir()
    write_page(tmp_path / "page", Detector(run), str(web_runtime))
    page = visit(tmp_path / "page")
    assert page.evaluate("self.crossOriginIsolated")
    assert page.evaluate("new SharedArrayBuffer(8).byteLength") == 8


def test_the_camera_is_this_browsers(
    run: Path, tmp_path: Path, visit: Callable[..., Page], web_runtime: Path
) -> None:
    (tmp_path / "page").mkdir()
    write_page(tmp_path / "page", Detector(run), str(web_runtime))
    page = visit(tmp_path / "page", *MADE_CAMERA)
    page.click("#open-camera")
    page.click("#take-picture")
    expect(page.locator("#answers li .bar")).to_have_count(2)


RULES = [
    Rule(),
    Rule("", 0.6),
    Rule("", predicted_from=(1, 0.2)),
    Rule("", weights=(1.0, 3.0, 0.0)),
    Rule("", costs=((0, 1, 5.0), (2, 0, 0.5))),
]


def test_rules_are_those_of_the_detector(tmp_path: Path, need: Callable[..., str]) -> None:
    (tmp_path / "rule.mjs").write_text((WEB / "rule.js").read_text("utf-8"), "utf-8")
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 50).astype(np.float32)
    given = [[rule.as_json(), row.tolist()] for rule in RULES for row in p]
    script = f"""import {{ answerOf }} from "./rule.mjs";
        const labels = ["a", "b", "c"];
        const answers = {json.dumps(given)}.map(([rule, data]) =>
            answerOf({{ probabilities: {{ data }} }}, {{ labels, rule }}).predicted);
        console.log(JSON.stringify(answers));"""
    (tmp_path / "main.mjs").write_text(script)
    command = [need("node"), str(tmp_path / "main.mjs")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = ("a", "b", "c", "unsure")
    assert json.loads(said) == [names[k] for rule in RULES for k in rule.predict(p)]


def test_an_address_of_the_runtime_is_all_that_may_be_asked(run: Path, tmp_path: Path) -> None:
    write_page(tmp_path, Detector(run), "https://cdn.example/onnxruntime-web@1.30.0/dist")
    about = json.loads((tmp_path / "page/about.json").read_text())
    assert about["runtime"] == "https://cdn.example/onnxruntime-web@1.30.0/dist/"
    page = (tmp_path / "index.html").read_text()
    assert "connect-src 'self' https://cdn.example;" in page
    assert not (tmp_path / "runtime").exists()


@pytest.mark.parametrize(
    ("runtime", "says"), [(None, "needs --runtime"), ("nowhere", r"it has no ort\.wasm")]
)
def test_a_runtime_that_is_not_there_is_said(
    runtime: str | None, says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        export_detector(tmp_path, to="browser", out=tmp_path / "out", runtime=runtime)


def test_a_form_is_made_from_a_run(run: Path, tmp_path: Path) -> None:
    export_detector(run, to="edge", out=tmp_path / "edge")
    with pytest.raises(UsageError, match="is a detector as edge already"):
        export_detector(tmp_path / "edge", to="int8", out=tmp_path / "int8")
