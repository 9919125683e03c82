"""What the guides say, held against the code."""

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["errors.md", "reliability.md"])
def test_what_the_guides_name_exists(page: str) -> None:
    home = Path(__file__).parent
    text = (home.parent / "docs" / page).read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in home.rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"(?:torture|benchmarks|tests)/[\w/]+\.py", text):
        assert (home.parent / path).exists(), path
