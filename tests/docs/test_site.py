"""The documentation as a site: it is built without a warning, in each language."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import convlens
from convlens.options import TrainKeywords

DOCS = Path(__file__).parent.parent.parent / "docs"
TRANSLATED = (
    *("index", "tutorial", "train", "predict", "boxes", "why", "find", "glossary"),
    *("inspect", "evaluate", "compare", "suggest", "serve"),
)


def build(out: Path, builder: str = "html", *, language: str = "en") -> Path:
    """Build the site as `make docs` does, but for running the notebooks."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", builder]
    options = ["-D", f"language={language}", "-D", "nb_execution_mode=off"]
    done = subprocess.run(
        [*command, *options, "-d", str(out / "doctrees"), str(DOCS), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_the_site_is_built(tmp_path: Path) -> None:
    site = build(tmp_path / "site")
    commands = (site / "reference/commands.html").read_text("utf-8")
    for name in TrainKeywords.__annotations__:
        assert f">--{name.replace('_', '-')}<" in commands, name
    functions = (site / "reference/python.html").read_text("utf-8")
    for name in convlens.__all__:
        assert f'id="convlens.{name}"' in functions or name.startswith("__"), name
    assert (site / "searchindex.js").exists()

    chinese = build(tmp_path / "site/zh_CN", language="zh_CN")
    for page in TRANSLATED:
        assert "。" in (chinese / f"{page}.html").read_text("utf-8"), page
    assert "Exit status: 0 done" in (chinese / "errors.html").read_text("utf-8")


def test_translations_are_of_the_pages_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS)
    from update_catalogues import catalogues

    made = list(catalogues(build(tmp_path, "gettext")))
    assert set(TRANSLATED) <= {path.stem for path, *_ in made}
    for path, catalogue, template in made:
        assert {m.id for m in template} == {m.id for m in catalogue}, f"{path}: make translations"
        for message in catalogue:
            if message.id:
                text, translation = str(message.id), str(message.string)
                assert translation, f"{path}: no translation of {text}"
                assert not message.fuzzy, f"{path}: look at the translation of {text}"
                assert kept(text) == kept(translation), f"{path}: {text}"


def kept(text: str) -> list[str]:
    """What a translation leaves as it is: code, and where links lead."""
    return sorted(re.findall(r"`[^`]+`|\]\([^)]*\)", text))
