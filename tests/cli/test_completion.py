"""`convlens completion`: the script, in a real shell."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import Convlens

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_convlens
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("tr", ["train"]),
        ("train --fol", ["--folds"]),
        ("train --optimizer m", ["momentum", "muon"]),
        ("predict pict", ["picture.png", "pictures"]),
        ("train --out pict", ["pictures"]),
    ],
)
def test_bash_completes(
    convlens: Convlens, need: Callable[..., str], tmp_path: Path, typed: str, completed: list[str]
) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "picture.png").touch()
    script = tmp_path / "script"
    script.write_text(convlens("completion", "bash").stdout)
    command = [need("bash"), "-c", COMPLETE, "bash", str(script), "convlens", *typed.split(" ")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert sorted(done.stdout.split()) == completed


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_script(convlens: Convlens, shell: str) -> None:
    done = convlens("completion", shell)
    assert done.returncode == 0
    assert "--folds" in done.stdout or "folds" in done.stdout
