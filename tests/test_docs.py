"""What the guides and the docstrings say, held against the code."""

import ast
import doctest
import re
import shutil
import textwrap
from pathlib import Path

import pytest

import convlens as package
from convlens.pictures.shards.write import Sharded

HOME = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["errors.md", "reliability.md"])
def test_what_the_guides_name_exists(page: str) -> None:
    text = (HOME / "docs" / page).read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in (HOME / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"(?:torture|benchmarks|tests)/[\w/]+\.py", text):
        assert (HOME / path).exists(), path


def test_the_story_of_a_training_is_quoted_as_it_is() -> None:
    source = (HOME / "src/convlens/training/train.py").read_text("utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    story = next(function for function in functions if function.name == "_train")
    after_docstring = story.body[1].lineno - 1
    body = "\n".join(source.splitlines()[after_docstring : story.end_lineno])
    guide = (HOME / "docs/architecture.md").read_text("utf-8")
    assert f"```python\n{textwrap.dedent(body)}\n```" in guide


def test_the_examples_in_the_docstrings_are_true(
    run: Path, shapes: Path, written: Sharded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "runs/pictures")
    shutil.copytree(shapes, "pictures")
    shutil.copytree(shapes, "other-pictures")
    shutil.copytree(written.folder, "shards")
    Path("photos").mkdir()
    shutil.copy(shapes / "disc" / "001.png", "photos/1.jpg")
    shutil.copy(shapes / "cross" / "001.png", "photos/2.jpg")
    shutil.copy("photos/1.jpg", "photo.jpg")
    runner = doctest.DocTestRunner()
    for name in package.__all__:
        for examples in doctest.DocTestFinder().find(getattr(package, name), name):
            runner.run(examples)
    assert runner.tries > 20
    assert not runner.failures
