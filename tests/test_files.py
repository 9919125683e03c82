"""Folders are written whole or not at all, wherever they are."""

from pathlib import Path

import pytest

from convlens.errors import UsageError
from convlens.files import new_folder, only_one


@pytest.mark.parametrize("there", [True, False])
def test_a_new_folder_may_be_there_and_empty(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder, or a mounted one, cannot be replaced."""
    out = tmp_path / "out"
    if there:
        out.mkdir()
        monkeypatch.chdir(out)
    with pytest.raises(ZeroDivisionError), new_folder(Path() if there else out) as partial:
        (partial / "half").touch()
        raise ZeroDivisionError
    assert not (out / "half").exists()
    with new_folder(Path() if there else out) as partial:
        (partial / "whole").touch()
    assert [path.name for path in out.iterdir()] == ["whole"]
    with pytest.raises(UsageError, match="it exists"), new_folder(out):
        pass


def test_what_a_killed_export_left_does_not_block_a_run(tmp_path: Path) -> None:
    (tmp_path / ".form.partial").mkdir()
    (tmp_path / ".metrics.json.1.partial").touch()
    (tmp_path / "run.json").touch()
    with only_one(tmp_path):
        names = {path.name for path in tmp_path.iterdir()}
    assert ".metrics.json.1.partial" not in names
    assert "run.json" in names
