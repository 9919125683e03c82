"""Carries out a Dockerfile below a folder that stands for the root, without Docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

HOME = Path(__file__).parent.parent
DAC_READ_SEARCH = 1 << 2
"""Linux's capability to read all, in the set of those that a process may give."""
PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "SSL_CERT_FILE")
"""What pip needs where packages are not reached directly."""


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """The name of each instruction, and what follows it."""
    text = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, rest = line.split(maxsplit=1)
        yield name, rest


def is_sent(name: str) -> bool:
    """Whether `.dockerignore` lets a name at the top into the build: the last line that fits."""
    lines = (HOME / ".dockerignore").read_text("utf-8").splitlines()
    fitting = [line for line in lines if fnmatch(name, line.removeprefix("!"))]
    return not fitting or fitting[-1].startswith("!")


@dataclass
class Image:
    """What the instructions made; `words` are those of ENTRYPOINT, CMD, HEALTHCHECK and EXPOSE.

    FROM begins a root that is empty: Python is the one that runs the tests.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    _stage: str = ""

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def within(self, text: str) -> str:
        """Text whose paths from the root are below this one."""
        return re.sub(r"(?<![\w.:/$}])/(?=\w)", f"{self.root}/", text)

    def carry_out(self, name: str, rest: str) -> None:
        match name:
            case "FROM":
                if self._stage:
                    self.root.rename(self.folder / self._stage)
                base, _, self._stage = rest.partition(" AS ")
                assert re.fullmatch(r"python:3\.\d+-slim", base)
                self.root.mkdir()
                self.env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
                self.env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
                self.workdir, self.user = "/", "0"
            case "ARG" | "ENV":
                for word in shlex.split(rest):
                    key, value = word.split("=", 1)
                    self.env[key] = self.within(value).replace("$PATH", self.env["PATH"])
            case "WORKDIR":
                self.workdir = rest
                Path(self.within(rest)).mkdir(parents=True)
            case "COPY":
                self._copy(*rest.split())
            case "RUN":
                cwd, words = self.within(self.workdir), ["sh", "-c", self.within(rest)]
                subprocess.run(words, cwd=cwd, env=self.env, check=True)
            case "USER":
                self.user = rest.partition(":")[0]
            case "ENTRYPOINT" | "CMD" | "HEALTHCHECK":
                self.words[name] = json.loads(self.within(rest[rest.index("[") :]))
            case "EXPOSE":
                self.words[name] = rest.split()
            case _:
                raise AssertionError(f"{name} is not carried out")

    def _copy(self, *words: str) -> None:
        *sources, target = [word for word in words if not word.startswith("--")]
        stage = words[0].removeprefix("--from=") if words[0] not in sources else None
        for source in sources:
            if stage:
                shutil.copytree(
                    self.folder / stage / source[1:], self.within(target), symlinks=True
                )
                continue
            assert is_sent(source), f"{source} is not sent into the build"
            to = Path(self.within(self.workdir)) / target
            if (HOME / source).is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(HOME / source, to, ignore=ignore)
            else:
                shutil.copy(HOME / source, to)

    def command(self, *words: str) -> list[str]:
        """The words as the image's user runs them, who may write nothing here.

        He may read all, where the tests are root's: their Python may lie in root's home.
        """
        if os.geteuid() != 0:
            return list(words)
        reads = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"]
        status = Path("/proc/self/status").read_text()
        bounding = int(re.search(r"^CapBnd:\s*(\w+)", status, re.MULTILINE)[1], 16)  # type: ignore[index]
        if not bounding & DAC_READ_SEARCH:  # as in most containers, whose Python all may read
            reads = []
        who = [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return ["setpriv", *who, *reads, *words]
