"""The notebooks of the documentation run from top to bottom, and the tutorial as it is written."""

import re
from pathlib import Path

import pytest
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient

from helpers import Convlens, needs_weights, package

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.trains
@pytest.mark.parametrize("name", ["train-and-judge", "why-convolutions"])
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    text = (DOCS / "notebooks" / f"{name}.md").read_text("utf-8")
    notebook = read_myst_markdown_notebook(text)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=where).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    said = "".join(out["text"] for out in shown if out.get("name") == "stderr")
    assert not said or "IProgress not found" in said, said  # tqdm's, of a library
    assert sum("text/html" in out.get("data", ()) for out in shown) >= 2


@pytest.mark.trains
def test_the_tutorial_is_true(
    tmp_path: Path, convlens: Convlens, spared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the letter, but for the number of pictures, and for the page, which waits for its user."""
    needs_weights()
    package("elpv_dataset")
    monkeypatch.chdir(tmp_path)
    said = {}
    for kind, block in re.findall(
        r"^```(\w*)\n(.*?)^```$", (DOCS / "tutorial.md").read_text("utf-8"), re.S | re.M
    ):
        if kind == "python":
            fewer = block.replace("250", "15").replace("200", "10")
            exec(compile(fewer, "tutorial.md", "exec"), {})  # noqa: S102
        for line in block.splitlines():
            if line.startswith("convlens ") and " serve " not in line:
                done = convlens(*line.split()[1:])
                assert done.returncode == 0, done.stderr
                said[line.split()[1]] = done.stdout
    assert "pictures look alike" in said["inspect"]
    assert "accuracy" in said["train"]
    assert said["predict"].count("new/defective/") == 5
    assert "true \\ predicted" in said["evaluate"]
