"""Build and check a release: `make release`. Prints what holds, and what a person signs off.

Its status is 0 where all that it can check holds. Without a tag it is a rehearsal, and says so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HOME = Path(__file__).parent.parent
SIGN_OFF = """\
Left for a person to sign off:
  [ ] `make test` passes on this commit, on a machine of its own, and so does `make torture`
  [ ] `make audit` names no known weakness, or each is answered
  [ ] .github/workflows/ci.yml has passed on this commit, on all systems
  [ ] what CHANGELOG.md says is true, and a user understands it
  [ ] the figures in README.md and docs/ are of this version's commands, or say of which
  [ ] git push origin {tag}; twine upload dist/*; a release on GitHub with the changelog's section
"""


def said(*words: str, cwd: Path = HOME, **env: str) -> str:
    """What a command prints. Raises `CalledProcessError`."""
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=cwd, env=alone | env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def sha256(path: Path) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def built(out: Path) -> list[Path]:
    """The source distribution, and the wheel that is made of it, at the commit's time."""
    committed = said("git", "log", "-1", "--format=%ct")
    said(
        *(sys.executable, "-m", "build", "--outdir", str(out), str(HOME)),
        SOURCE_DATE_EPOCH=committed,
    )
    return sorted(out.iterdir())


def runs_alone(wheel: Path, folder: Path) -> str:
    """The version that the wheel says of itself, installed without extras in a fresh place."""
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    said(str(scripts / "python"), "-m", "pip", "install", "--quiet", str(wheel), cwd=folder)
    said(str(scripts / "convlens"), "networks", "lecture", "--size", "32", cwd=folder)
    return said(str(scripts / "convlens"), "--version", cwd=folder).removeprefix("convlens ")


def main() -> int:
    """Check one thing after another; returns the exit status."""
    held = True

    def check(what: str, holds: bool) -> None:
        nonlocal held
        held &= holds
        print(f"  [{'x' if holds else ' '}] {what}", flush=True)

    tags = said("git", "tag", "--points-at", "HEAD", "--list", "v*").split()
    tag = tags[-1] if tags else "vX.Y.Z"
    check("nothing is changed that is not committed", not said("git", "status", "--porcelain"))
    check(f"the commit has a tag: {tag}" if tags else "the commit has no tag vX.Y.Z", bool(tags))
    headings = (HOME / "CHANGELOG.md").read_text("utf-8").splitlines()
    check(f"CHANGELOG.md has a section {tag[1:]}", f"## {tag[1:]}" in headings)
    cff = subprocess.run(
        [Path(sys.executable).parent / "cffconvert", "--validate", "-i", HOME / "CITATION.cff"],
        capture_output=True,
        check=False,
    )
    check("CITATION.cff is valid", cff.returncode == 0)
    with tempfile.TemporaryDirectory() as folder:
        first, second = (built(Path(folder) / name) for name in ("first", "second"))
        (wheel,) = (path for path in first if path.suffix == ".whl")
        again = {path.name: sha256(path) for path in second}
        check(f"{wheel.name} is the same, built again", again.get(wheel.name) == sha256(wheel))
        files = [str(path) for path in first]
        twine = [sys.executable, "-m", "twine", "check", "--strict", *files]
        twine_holds = subprocess.run(twine, capture_output=True, check=False).returncode == 0
        check("twine finds nothing wrong", twine_holds)
        version = runs_alone(wheel, Path(folder) / "env")
        check(f"the wheel runs without extras, and is {version}", version in wheel.name)
        check(f"{version} is the tag's", version == tag[1:])
        shutil.rmtree(HOME / "dist", ignore_errors=True)
        (HOME / "dist").mkdir()
        for path in first:
            shutil.copy(path, HOME / "dist")
            print(f"{sha256(path)}  dist/{path.name}")
    print(SIGN_OFF.format(tag=tag), end="")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
