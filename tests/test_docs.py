"""What the guides and the docstrings say, held against the code."""

import ast
import doctest
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convlens as package
from boxed import save_pictures, write, yolo
from convlens.detector.predictor import Predictor
from convlens.pictures.decode import decode
from convlens.pictures.shards.write import Sharded
from helpers import SMALL, draw
from profiles import DISPLAY_P3, SRGB, grey_profile, rgb_profile

HOME = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["architecture.md", "errors.md", "reliability.md"])
def test_what_the_guides_name_exists(page: str) -> None:
    text = (HOME / "docs" / page).read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in (HOME / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"(?:torture|benchmarks|tests)/[\w/]+\.py", text):
        assert (HOME / path).exists(), path


def templates() -> Iterator[str]:
    """The texts of the sources, with `…` for what is filled in."""
    for path in (HOME / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.JoinedStr(values=values):
                    parts = (v.value if isinstance(v, ast.Constant) else "…" for v in values)
                    yield "".join(map(str, parts))
                case ast.Constant(value=str(text)):
                    yield text
                case ast.Call(func=ast.Name("saying_where"), args=[_, ast.Constant(str(doing))]):
                    yield f"cannot {doing} …"


def test_errors_are_quoted_as_they_are_said() -> None:
    rows = (HOME / "docs" / "errors.md").read_text("utf-8").split("| --- |", 1)[1].splitlines()
    said = [row.split(" | ")[2] for row in rows if row.count(" | ") == 3]
    quoted = [quote for text in said for quote in re.findall(r"`([^`]+)`", text)]
    assert len(quoted) > 40
    known = list(templates())
    for quote in quoted:
        pattern = re.compile(".*".join(map(re.escape, quote.split("…"))), re.DOTALL)
        assert any(map(pattern.search, known)), quote


def test_every_principle_names_its_test() -> None:
    guide = (HOME / "docs/architecture.md").read_text("utf-8")
    _, _, rest = guide.partition("## What decides what\n")
    principles = re.split(r"^\d+\. ", rest.partition("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(principles) >= 17
    for principle in principles:
        assert re.search(r"`test_\w+`", principle), principle


def test_the_story_of_a_training_is_quoted_as_it_is() -> None:
    source = (HOME / "src/convlens/training/classes.py").read_text("utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    story = next(function for function in functions if function.name == "train_classes")
    after_docstring = story.body[1].lineno - 1
    body = "\n".join(source.splitlines()[after_docstring : story.end_lineno])
    guide = (HOME / "docs/architecture.md").read_text("utf-8")
    assert f"```python\n{textwrap.dedent(body)}\n```" in guide


def test_the_guide_reads_pictures_as_convlens_does(tmp_path: Path) -> None:
    guide = (HOME / "docs/predict.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n([^`]*def read_picture.*?)```", guide, re.S)
    exec(example, names := {})  # type: ignore[var-annotated]  # noqa: S102
    colour = Image.fromarray(draw("disc", 1)).resize((40, 31))
    wide = np.arange(31 * 40, dtype=np.uint16).reshape(31, 40) * 52
    clear = colour.copy()
    clear.putalpha(colour.convert("L"))
    p3, srgb = rgb_profile(DISPLAY_P3, None), rgb_profile(SRGB, None)
    turned = Image.Exif()
    turned[0x0112] = 6
    for name, image, options in (
        ("rgb.png", colour, {}),
        ("rgb.jpg", colour, {}),
        ("grey.png", colour.convert("L"), {}),
        ("grey.jpg", colour.convert("L"), {}),
        ("bits.png", colour.convert("1"), {}),
        ("wide.png", Image.fromarray(wide), {}),
        ("wide.tif", Image.fromarray(wide), {"exif": turned}),
        ("wide.jp2", Image.fromarray(wide), {}),
        ("rgba.png", clear, {}),
        ("rgba.webp", clear, {}),
        ("la.png", clear.convert("LA"), {}),
        ("palette.png", colour.quantize(9), {}),
        ("palette.gif", colour.quantize(9), {"transparency": 3}),
        ("clear-palette.png", colour.quantize(9), {"transparency": b"\0\x80\xff"}),
        ("cmyk.jpg", colour.convert("CMYK"), {}),
        ("cmyk.tif", colour.convert("CMYK"), {}),
        ("turned.jpg", colour, {"exif": turned}),
        ("turned.png", clear, {"exif": turned}),
        ("p3.jpg", colour, {"icc_profile": p3, "exif": turned}),
        ("p3.png", clear, {"icc_profile": p3}),
        ("p3-palette.png", colour.quantize(9), {"icc_profile": p3}),
        ("light.jpg", colour.convert("L"), {"icc_profile": grey_profile(1.0)}),
        ("light.png", Image.fromarray(wide), {"icc_profile": grey_profile(1.0)}),
    ):
        path = tmp_path / name
        image.save(path, **options)
        assert np.array_equal(names["read_picture"](path), decode(path.read_bytes())), name
    colour.save(path := tmp_path / "srgb.png", icc_profile=srgb)
    got = names["read_picture"](path).astype(int)
    assert np.abs(got - decode(path.read_bytes())).max() <= 1


@pytest.fixture
def home(
    run: Path, shapes: Path, written: Sharded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder that examples are run in, with all that they name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "runs/pictures")
    shutil.copytree(shapes, "pictures")
    shutil.copytree(shapes, "other-pictures")
    shutil.copytree(written.folder, "shards")
    Path("photos").mkdir()
    shutil.copy(shapes / "disc" / "001.png", "photos/1.jpg")
    shutil.copy(shapes / "cross" / "001.png", "photos/2.jpg")
    shutil.copy("photos/1.jpg", "photo.jpg")
    shutil.copytree("photos", "more-photos")
    shutil.copy("runs/pictures/detector.onnx", "detector.onnx")
    return tmp_path


def test_the_examples_in_the_docstrings_are_true(home: Path) -> None:
    runner, known = doctest.DocTestRunner(), {"Detector": package.Detector}
    public = {name: getattr(package, name) for name in package.__all__} | {"Predictor": Predictor}
    for name, subject in public.items():
        for examples in doctest.DocTestFinder().find(subject, name, extraglobs=known):
            runner.run(examples)
    assert runner.tries > 20
    assert not runner.failures


def test_the_examples_in_the_guides_run(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(pictures: str, **_: Any) -> package.Run:  # in seconds, not for minutes
        return trained(pictures, home / "run", epochs=1, **SMALL)

    trained = package.train
    monkeypatch.setattr(package, "train", train, raising=False)
    save_pictures(Path("street/images"))
    for name in ("a", "b"):
        write(Path(f"street/labels/{name}.txt"), yolo(name))
    write(Path("street/data.yaml"), "names: [cat, dog]\ntrain: images\n")
    names: dict[str, Any] = {
        "convlens": package,
        "images_NHWC": np.zeros((2, 24, 24, 3), np.uint8),
    }
    for page in ("README.md", "docs/predict.md", "docs/boxes.md"):
        for example in re.findall(r"```python\n(.*?)```", (HOME / page).read_text("utf-8"), re.S):
            if 'train("street/"' not in example:  # boxes take minutes
                exec(example, names)  # noqa: S102
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 1 + 2 + 1 + 1 + 2
    assert lines[-3] == "141938"
    assert lines[-2].startswith("photos/1.jpg disc ")
    assert names["catalog"].classes == ("cat", "dog")
    assert names["catalog"].boxes[0].where(0) == "street/labels/a.txt, line 1"
