"""Parameters from a hub: a server that speaks its protocol, and every way that it may fail."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save

from convlens.errors import ConvlensError, UsageError
from convlens.files import sha256_of
from convlens.network.hub import hub_file
from helpers import assert_clear, save_shapes
from servers import http_server

LINE, REPOSITORY = "timm:test_vit", "timm/test_vit.r160_in1k"
RESOLVE = f"/{REPOSITORY}/resolve/main/model.safetensors"


@dataclass
class Hub:
    """A model of timm's behind HTTP: the file lies on another host, as with the real one.

    `refuse` are a status and headers instead. A transfer breaks off after half of what is left,
    as often as `breaks` says; with `cut`, after nothing.
    """

    content: bytes
    refuse: tuple[int, dict[str, str]] | None = None
    breaks: int = 0
    cut: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@contextmanager
def served(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            hub.asked[f"HEAD {self.path}"] += 1
            if hub.refuse:
                self.answer(*hub.refuse)
            elif self.path != RESOLVE:
                self.answer(404, {"X-Error-Code": "EntryNotFound"})
            else:
                self.answer(
                    302,
                    {
                        "X-Repo-Commit": "0123456789" * 4,
                        "X-Linked-Etag": f'"{hub.sha256}"',
                        "X-Linked-Size": str(len(hub.content)),
                        "Location": f"http://localhost:{self.server.server_port}/stored",  # type: ignore[attr-defined]
                    },
                )

        def do_GET(self) -> None:
            hub.asked[f"GET {self.path}"] += 1
            first = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
            left = hub.content[first:]
            whole = {"Content-Length": str(len(left))}
            if first:
                place = f"bytes {first}-{len(hub.content) - 1}/{len(hub.content)}"
                self.answer(206, {**whole, "Content-Range": place})
            else:
                self.answer(200, whole)
            if hub.breaks:
                hub.breaks -= 1
                self.close_connection = True
                left = b"" if hub.cut and first else left[: len(left) // 2]
            self.wfile.write(left)

        def answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http_server(Handler) as hub.url:
        yield hub


@pytest.fixture(scope="module")
def content() -> bytes:
    torch.manual_seed(0)
    return save(timm.create_model("test_vit").state_dict())


@pytest.fixture
def hub(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The client of this process, with a cache of its own, asks this hub."""
    with served(Hub(content)) as hub:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
        yield hub


def left_behind(tmp_path: Path) -> list[str]:
    """What a transfer that broke off could leave."""
    return [path.name for path in (tmp_path / "cache").rglob("blobs/*")]


def test_a_file_is_fetched_once_and_then_nobody_is_asked(hub: Hub) -> None:
    said: list[str] = []
    path = hub_file(LINE, said.append)
    assert path.read_bytes() == hub.content
    assert sha256_of(path) == hub.sha256
    assert said == [f"weights: fetching {REPOSITORY} from {hub.url} …"]
    assert hub.asked["GET /stored"] == 1
    asked = hub.asked.total()
    assert hub_file(f"{LINE}.r160_in1k", said.append) == path
    assert (hub.asked.total(), len(said)) == (asked, 1)


def test_a_transfer_that_breaks_off_goes_on_where_it_was(hub: Hub) -> None:
    hub.breaks = 3
    assert hub_file(LINE).read_bytes() == hub.content
    assert hub.asked["GET /stored"] == 4


def test_a_transfer_that_ends_midway_leaves_nothing_and_the_next_one_completes(
    hub: Hub, tmp_path: Path
) -> None:
    hub.breaks, hub.cut = 1000, True
    with pytest.raises(ConvlensError, match="broke off") as raised:
        hub_file(LINE)
    assert "\n" not in str(raised.value)
    assert not left_behind(tmp_path)
    hub.breaks = 0
    assert hub_file(LINE).read_bytes() == hub.content
    assert left_behind(tmp_path) == [hub.sha256]


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (401, {}, r"is not there, or only for those that are logged in \(401\)"),
        (404, {"X-Error-Code": "RepoNotFound"}, r"is not there, or .* \(404\).*--weights FILE"),
        (404, {"X-Error-Code": "EntryNotFound"}, "has no model.safetensors"),
        (403, {"X-Error-Code": "GatedRepo"}, "asks for leave: accept its terms there"),
        (503, {}, "answers 503: try again later"),
        (429, {"Retry-After": "3600"}, "answers 429: try again later"),
        (200, {}, "cannot be reached"),  # a page that a network shows before its log-in
    ],
)
def test_what_a_hub_refuses_is_told_in_one_line(
    hub: Hub, status: int, headers: dict[str, str], says: str, tmp_path: Path
) -> None:
    hub.refuse = (status, headers)
    with pytest.raises(ConvlensError, match=f"--weights hub: .*{says}") as raised:
        hub_file(LINE)
    assert "\n" not in str(raised.value)
    assert hub.asked.total() <= 2  # and not again and again
    assert not left_behind(tmp_path)


def test_without_a_network_one_line_says_what_to_do(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConvlensError, match="HF_HUB_OFFLINE forbids to fetch it: train once"):
        hub_file(LINE)
    assert not hub.asked
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        "http://127.0.0.1:9/{repo_id}/{revision}/{filename}",
    )
    with pytest.raises(ConvlensError, match=r"cannot be reached.*check the network"):
        hub_file(LINE)


def test_a_damaged_copy_is_noticed(hub: Hub) -> None:
    blob = hub_file(LINE).resolve()
    blob.write_bytes(hub.content[:-1] + b"\0")
    with pytest.raises(ConvlensError, match="is damaged: delete"):
        hub_file(LINE)
    blob.unlink()
    assert hub_file(LINE).read_bytes() == hub.content


def test_what_timm_does_not_know_is_refused_without_asking(hub: Hub) -> None:
    for line, says in (
        ("timm:nonesuch", "no architecture"),
        ("timm:test_vit.v9", "no parameters 'test_vit.v9'; it has test_vit.r160_in1k"),
        ("timm:test_maxvit", "knows of none for timm:test_maxvit"),
    ):
        with pytest.raises(UsageError, match=says):
            hub_file(line)
    assert not hub.asked


@pytest.mark.trains
def test_training_fetches_first_and_later_runs_work_offline(content: bytes, tmp_path: Path) -> None:
    pictures = save_shapes(tmp_path / "pictures", 10)
    Image.new("RGB", (9, 9)).save(tmp_path / "alone.png")

    def trained(
        pictures: Path, home: str = "home", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        words = (
            pictures,
            "--out",
            tmp_path / "r",
            "--network",
            LINE,
            "--size",
            "32",
            "--seed",
            "1",
        )
        return subprocess.run(
            [sys.executable, "-m", "convlens", "train", *map(str, words), "--weights", "hub"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HF_HOME": str(tmp_path / home), **settings},
        )

    with served(Hub(content)) as hub:
        first = trained(tmp_path / "alone.png", HF_ENDPOINT=hub.url)  # which is no data set
    assert f"fetching {REPOSITORY} from {hub.url}" in first.stderr
    assert_clear(first, 1, "alone.png")
    assert hub.asked["GET /stored"] == 1
    second = trained(pictures, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")  # the server has gone
    assert second.returncode == 0, second.stderr
    told = f"weights: {REPOSITORY} at 012345678901 (licence: apache-2.0), SHA-256 {hub.sha256}"
    assert told in second.stderr
    record = json.loads((tmp_path / "r" / "run.json").read_text())
    assert record["weights"]["sha256"] == hub.sha256
    shutil.rmtree(tmp_path / "r")
    alone = trained(pictures, "elsewhere", HF_ENDPOINT=hub.url)
    assert_clear(alone, 1, f"--weights hub: {hub.url}/{REPOSITORY} cannot be reached")
    assert not (tmp_path / "r").exists()
