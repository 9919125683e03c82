"""From pictures with boxes to a detector of boxes, resumed, repeated, judged and asked."""

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from fastapi.testclient import TestClient
from faster_coco_eval import COCO, COCOeval_faster
from huggingface_hub import ModelCard
from PIL import Image
from playwright.sync_api import expect as playwright_expect
from playwright.sync_api import sync_playwright

from convlens import Detector, compare, resume, train
from convlens.engine.callbacks import NullCallback
from convlens.errors import ConvlensError, UsageError
from convlens.options import BudgetOptions, DataOptions, TrainOptions
from convlens.pictures.boxes.read import read_boxes
from convlens.serving.app import create_app
from convlens.training.boxes.crosswise import answer_crosswise
from convlens.training.train import repeat
from helpers import Convlens, assert_clear, signalled
from objects import CLASSES, save_objects
from servers import serving

pytestmark = pytest.mark.trains


def test_it_finds_what_it_learnt(boxes_run: Path, objects: Path) -> None:
    metrics = json.loads((boxes_run / "metrics.json").read_text())
    assert metrics["test"]["n"] == 12
    assert metrics["test"]["AP50"] > 0.5
    assert metrics["parity"]["largest_difference_pixels"] < 0.5
    low, high = metrics["test"]["AP50_interval"]
    assert low <= metrics["test"]["AP50"] <= high
    evaluation: Any = Detector(boxes_run).evaluate(boxes_run / "manifest.csv", split="test")
    assert evaluation.metrics.n == 12
    assert evaluation.metrics.ap50 == pytest.approx(metrics["test"]["AP50"], abs=1e-9)
    everything: Any = Detector(boxes_run).evaluate(objects)
    assert everything.metrics.n == 60
    report = (boxes_run / "report.html").read_text()
    assert "What it finds" in report
    assert "square" in report
    card = ModelCard.load(boxes_run / "card.md")
    assert card.data.pipeline_tag == "object-detection"
    figures = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert figures["AP50"] == metrics["test"]["AP50"]


def test_the_manifest_says_what_the_pictures_show(boxes_run: Path, objects: Path) -> None:
    ours, theirs = read_boxes(boxes_run / "manifest.csv"), read_boxes(objects)
    assert ours is not None
    assert theirs is not None
    assert ours.counts() == theirs.counts()
    assert len(ours) == len(theirs) == 60
    own = {Path(s.name).name: b.xyxy for s, b in zip(ours.sources, ours.boxes, strict=True)}
    for source, boxes in zip(theirs.sources, theirs.boxes, strict=True):
        assert np.allclose(own[Path(source.name).name], boxes.xyxy)


def test_a_batch_is_answered_as_its_pictures_are(boxes_run: Path, objects: Path) -> None:
    """The file by itself, in plain ONNX Runtime, and what it has of pictures of other shapes."""
    session = onnxruntime.InferenceSession(boxes_run / "detector.onnx")
    paths = sorted((objects / "images").glob("*.png"))[:4]
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    boxes, scores, classes, number = session.run(None, {"image": images})
    for row, image in enumerate(images):
        alone = session.run(None, {"image": image[None]})
        count = int(number[row])
        assert count == alone[3][0]
        assert np.allclose(boxes[row, :count], alone[0][0, :count], atol=1e-3)
        assert np.allclose(scores[row, :count], alone[1][0, :count], atol=1e-5)
        assert (classes[row, :count] == alone[2][0, :count]).all()
        assert not scores[row, count:].any()
        assert (np.diff(scores[row, :count]) <= 0).all()
    detector = Detector(boxes_run)
    for shape in ((20, 20, 3), (900, 30, 3), (30, 4000, 3)):
        found: Any = detector.predict(np.full(shape, 100, np.uint8))
        assert (found.boxes[:, 2] <= shape[1]).all()
        assert (found.boxes[:, 3] <= shape[0]).all()


def test_it_is_repeated_and_resumed_to_the_same_bytes_and_compared(
    boxes_run: Path, objects: Path, tmp_path: Path, convlens: Convlens
) -> None:
    class StopInTheMiddle(NullCallback):
        stopped = False

        def step(self, done: int, *_: object) -> None:
            if done == 3 and not self.stopped:
                self.stopped = True
                signalled()

    options: Any = {"steps": 5, "threads": 1, "compute": "float32", "size": 64}
    whole = train(objects, tmp_path / "whole", **options).detector.read_bytes()
    part = train(objects, tmp_path / "part", callback=StopInTheMiddle(), **options)
    assert not part.finished
    assert Detector(tmp_path / "part").labels == CLASSES
    done = resume(tmp_path / "part")
    assert done.finished
    assert (tmp_path / "part" / "detector.onnx").read_bytes() == whole
    again = repeat(tmp_path / "whole", tmp_path / "again")
    assert again.detector.read_bytes() == whole
    comparison = compare([again.folder, boxes_run, tmp_path / "whole"])
    best, *others = comparison.contenders
    assert comparison.measure == "AP50"
    assert comparison.pictures == 12
    assert best.run == str(boxes_run)
    metrics = json.loads((boxes_run / "metrics.json").read_text())["test"]
    assert best.accuracy == pytest.approx(metrics["AP50"], abs=0.01)
    assert [other.accuracy for other in others] == [others[0].accuracy] * 2
    assert all(other.p is not None and other.p < 0.05 for other in others)
    words = convlens("compare", boxes_run, again.folder).stdout
    assert "AP50" in words
    assert "is less accurate than" in words


def test_commands_answer_with_boxes(
    boxes_run: Path, objects: Path, convlens: Convlens, tmp_path: Path
) -> None:
    catalog = read_boxes(objects)
    assert catalog is not None
    row = max(range(len(catalog)), key=lambda row: len(catalog.boxes[row]))
    picture = catalog.sources[row].name
    said = json.loads(convlens("predict", boxes_run, picture, "--json").stdout)[0]
    assert said["objects"][0]["predicted"] in CLASSES
    assert 0 < said["objects"][0]["score"] <= 1
    lines = convlens("predict", boxes_run, picture).stdout.splitlines()
    assert len(lines) == len(said["objects"])
    rows = list(
        csv.DictReader(convlens("predict", boxes_run, picture, "--csv").stdout.splitlines())
    )
    assert [row["predicted"] for row in rows] == [one["predicted"] for one in said["objects"]]
    judged = json.loads(convlens("evaluate", boxes_run, objects, "--json").stdout)
    assert judged["AP50"] > 0.5
    assert set(judged["per_class"]) == set(CLASSES)
    words = convlens("evaluate", boxes_run, objects).stdout
    assert "AP50" in words
    assert "missed" in words
    suggested = json.loads(convlens("suggest", boxes_run, objects / "images", "--json").stdout)
    margins: list[Any] = [Detector(boxes_run).predict(one["name"]).margin for one in suggested]
    assert len(margins) > 1
    assert margins == sorted(margins)
    (tmp_path / "no.png").write_text("no picture")
    failed = convlens("predict", boxes_run, tmp_path / "no.png")
    assert failed.returncode == 1
    assert "no.png" in failed.stdout


def test_cocos_results_have_the_numbers_of_a_file_and_give_the_same_figures(
    boxes_run: Path, objects: Path, convlens: Convlens, tmp_path: Path
) -> None:
    """COCO's own evaluation, of results and annotations with ids of their own."""
    record = json.loads((objects / "annotations.json").read_text())
    for image in record["images"]:
        image["id"] += 1000
        image["file_name"] = f"elsewhere/{image['file_name']}"
    for note in record["annotations"]:
        note["image_id"] += 1000
        note["category_id"] *= 10
    for kind in record["categories"]:
        kind["id"] *= 10
    record["info"] = {}
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(record))
    done = convlens("predict", boxes_run, objects / "images", "--coco", path)
    assert done.returncode == 0
    results = json.loads(done.stdout)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(path)
        evaluator = COCOeval_faster(truth, truth.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    judged = json.loads(convlens("evaluate", boxes_run, objects, "--json").stdout)
    assert judged["AP"] == pytest.approx(evaluator.stats[0])
    assert judged["AP50"] == pytest.approx(evaluator.stats[1])
    other = tmp_path / "other.png"
    Image.new("RGB", (40, 40)).save(other)
    unknown = convlens("predict", boxes_run, other, "--coco", path)
    assert unknown.returncode == 1
    assert f"{other} is not in {path}" in unknown.stderr
    assert json.loads(unknown.stdout) == []
    record["categories"].pop()
    path.write_text(json.dumps(record))
    refused = convlens("predict", boxes_run, objects / "images", "--coco", path)
    assert_clear(refused, 2, "has no category 'square'")


def test_what_is_found_is_drawn_and_told_over_http(
    boxes_run: Path, objects: Path, convlens: Convlens, tmp_path: Path
) -> None:
    picture = objects / "images" / "002.png"
    found = json.loads(
        convlens("find", boxes_run, picture, "--out", tmp_path, "--sure", "0.1", "--json").stdout
    )[0]
    assert Image.open(found["drawn"]).size == (128, 96)
    assert all(one["probability"] >= 0.1 for one in found["findings"])
    refused = convlens("find", boxes_run, picture, "--smallest", "0.1")
    assert_clear(refused, 2, "--smallest is of sliding windows")
    client = TestClient(create_app(Detector(boxes_run)))
    files = {"files": picture.read_bytes()}
    answer = client.post("/predict", files=files).json()["predictions"][0]
    expected: Any = Detector(boxes_run).predict(picture)
    assert [one["score"] for one in answer["objects"]] == [one.score for one in expected.objects]
    assert answer["counts"] == expected.counts()
    over_http = client.post("/find", files=files).json()["pictures"][0]
    assert [one["box"] for one in over_http["findings"]] == [
        {edge: round(at, 1) for edge, at in one.box._asdict().items()} for one in expected.objects
    ]
    assert client.get("/detector").json()["metrics"]["AP50"] > 0.5
    assert client.get("/metrics").status_code == 200


def test_the_page_draws_the_boxes(boxes_run: Path, objects: Path, need: Callable[..., str]) -> None:
    chromium = need("chromium", "chromium-browser", "google-chrome")
    shown = [objects / "images" / f"00{n}.png" for n in range(4)]
    expected: list[Any] = [Detector(boxes_run).predict(path) for path in shown]
    with (
        serving(create_app(Detector(boxes_run))) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        assert "AP50" in page.locator("#metrics").inner_text()
        page.set_input_files("#choose", shown)
        drawn = page.locator("#answers canvas.found")
        playwright_expect(drawn).to_have_count(4)
        for row, answer in enumerate(expected):
            item = page.locator("#answers li").nth(row)
            for label, count in answer.counts().items():
                playwright_expect(item.locator("h2")).to_contain_text(f"{count} {label}")
            coloured = item.locator("canvas").evaluate(
                """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                let n = 0; for (let i = 0; i < d.length; i += 4)
                  n += (d[i] === 20 && d[i + 1] === 220 && d[i + 2] === 120) ||
                       (d[i] === 255 && d[i + 1] === 190 && d[i + 2] === 0); return n; }"""
            )
            assert (coloured > 20) == bool(answer.objects)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save the answers").click()
        rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
        assert len(rows) == sum(max(1, len(answer.objects)) for answer in expected)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--network", "conv 4 3x3, gap"), "--network is for pictures of one class each"),
        (("--coverage", "0.9"), "--coverage is for pictures of one class each"),
        (("--recall", "tree=0.9"), "LABEL=SHARE"),
        (("--batch", "many"), "--batch many"),
    ],
)
def test_what_cannot_be_is_refused_before_training(
    options: tuple[str, str], says: str, objects: Path, convlens: Convlens, tmp_path: Path
) -> None:
    done = convlens("train", objects, "--out", tmp_path / "r", *options)
    assert_clear(done, 2, says)


def test_why_is_for_classes(boxes_run: Path, convlens: Convlens) -> None:
    assert_clear(convlens("why", boxes_run), 2, "why is for pictures of one class each")


def test_precision_is_for_boxes(shapes: Path) -> None:
    with pytest.raises(UsageError, match="--precision is for boxes"):
        train(shapes, precision="disc=0.9")


def test_one_object_is_enough_to_begin_with_and_none_is_not(tmp_path: Path) -> None:
    """And pictures of 20 and of 8,000 pixels, and 500 objects in one."""
    few = save_objects(tmp_path / "few", 3, most=0)
    with pytest.raises(ConvlensError, match="has an object"):
        train(few, tmp_path / "none", steps=1)
    data = json.loads((few / "annotations.json").read_text())
    box = {"image_id": 0, "category_id": 1, "area": 400, "iscrowd": 0}
    data["annotations"] = [{"id": 1, "bbox": [4, 5, 20, 20], **box}]
    crowd = [
        {"id": n + 2, "bbox": [n % 25 * 5, n // 25 * 4, 4, 3], **box, "image_id": 1}
        for n in range(500)
    ]
    data["annotations"] += crowd
    for name, size in (("tiny.png", (20, 20)), ("wide.png", (8000, 40))):
        Image.new("RGB", size, (90, 90, 90)).save(few / "images" / name)
        number = len(data["images"])
        data["images"].append(
            {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        )
    (few / "annotations.json").write_text(json.dumps(data))
    run = train(few, tmp_path / "run", steps=2, threads=1, compute="float32", test_fraction=0)
    assert run.metrics["test"] is None
    assert run.detector.exists()


def test_a_class_that_only_held_out_pictures_show_costs_nothing_else(tmp_path: Path) -> None:
    """And a canvas with fewer points than there is room for answers."""
    pictures = tmp_path / "pictures"
    for split, count in (("train", 12), ("val", 4)):
        save_objects(pictures / split, count, size=(64, 64), seed=count)
        path = pictures / split / "annotations.json"
        data = json.loads(path.read_text())
        only = {"train": 1}.get(split)
        data["annotations"] = [a for a in data["annotations"] if only in {None, a["category_id"]}]
        path.write_text(json.dumps(data))
    heard: list[str] = []

    class Listener(NullCallback):
        def warn(self, text: str) -> None:
            heard.append(text)

    run = train(
        pictures,
        tmp_path / "run",
        callback=Listener(),
        steps=2,
        threads=1,
        compute="float32",
        size=64,
        batch="4",
    )
    assert any("'square'" in text and "never an answer" in text for text in heard)
    assert run.metrics["test"]["objects"] > 0
    assert set(run.metrics["test"]["per_class"]) == {"disc"}
    points = 8 * 8 + 4 * 4 + 2 * 2
    boxes, *_ = Detector(run.detector).outputs(np.zeros((64, 64, 3), np.uint8))
    assert len(boxes) <= points


def test_boxes_around_crowds_teach_nothing(tmp_path: Path) -> None:
    crowds = save_objects(tmp_path / "crowds", 4, size=(64, 64))
    path = crowds / "annotations.json"
    data = json.loads(path.read_text())
    for annotation in data["annotations"]:
        annotation["iscrowd"] = 1
    path.write_text(json.dumps(data))
    with pytest.raises(ConvlensError, match=r"0 objects, and \d+ boxes around crowds"):
        train(crowds, tmp_path / "run", steps=1)


def test_objects_of_one_group_cannot_be_judged_by_others(tmp_path: Path) -> None:
    pictures = save_objects(tmp_path / "pictures", 6, size=(64, 64))
    path = pictures / "annotations.json"
    data = json.loads(path.read_text())
    data["annotations"] = [a for a in data["annotations"] if a["image_id"] == 1][:1]
    assert data["annotations"]
    path.write_text(json.dumps(data))
    options = TrainOptions(data=DataOptions(size=64), budget=BudgetOptions(steps=1))
    with pytest.raises(ConvlensError, match="in copies of one picture or in one group"):
        answer_crosswise(pictures, options, count=2, progress=lambda *_: None)
