"""The command line without a process: the same words, output and exit status."""

import io
import subprocess
import sys

import pytest

from convlens.cli import main
from helpers import Convlens


@pytest.fixture
def convlens(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Convlens:
    def call(*words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as error:  # as argparse ends
            status = int(error.code or 0)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess([str(word) for word in words], status, out, err)

    return call
