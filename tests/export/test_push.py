"""Publishing a run: a server that speaks the hub's protocol, and every way that it may refuse."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, constants

from helpers import Convlens, assert_clear
from servers import http_server


@dataclass
class Hub:
    """`files` are those of the last commit, `made` what repositories were asked for.

    `refuse` is a status for every request instead.
    """

    url: str = ""
    refuse: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub, stored = Hub(), dict[str, bytes]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            hub.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            lines = [json.loads(line) for line in body.splitlines()]
            match self.path.split("/")[1:]:
                case _ if hub.refuse:
                    self.answer({"error": "no"}, hub.refuse)
                case ["api", "repos", "create"]:
                    hub.made += lines
                    status = 409 if hub.made[1:] else 200  # it is there already
                    self.answer({"url": f"{hub.url}/me/shapes"}, status)
                case ["api", "validate-yaml"]:
                    ModelCard(lines[0]["content"])
                    self.answer({"errors": [], "warnings": []})
                case ["api", "models", "me", "shapes", "preupload", "main"]:
                    modes = [
                        {
                            "path": one["path"],
                            "uploadMode": "lfs" if one["path"].endswith(".onnx") else "regular",
                            "shouldIgnore": False,
                        }
                        for one in lines[0]["files"]
                    ]
                    self.answer({"files": modes})
                case ["me", "shapes.git", "info", "lfs", "objects", "batch"]:
                    objects = [
                        {**one, "actions": {"upload": {"href": f"{hub.url}/stored"}}}
                        for one in lines[0]["objects"]
                    ]
                    self.answer({"transfer": "basic", "objects": objects})
                case ["api", "models", "me", "shapes", "commit", "main"]:
                    for line in lines:
                        value = line["value"]
                        if line["key"] == "file":
                            hub.files[value["path"]] = base64.b64decode(value["content"])
                        elif line["key"] == "lfsFile":
                            hub.files[value["path"]] = stored[value["oid"]]
                    url = f"{hub.url}/me/shapes/commit/0"
                    self.answer({"commitUrl": url, "commitOid": "0", "success": True})

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            stored[hashlib.sha256(content).hexdigest()] = content
            self.answer({})

        def do_GET(self) -> None:
            self.answer({"error": "no"}, hub.refuse or 404)

        def answer(self, value: Any, status: int = 200) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http_server(Handler) as hub.url:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", "hf_made")
        yield hub


def test_detector_and_card_are_published_and_nothing_else(
    convlens: Convlens, run: Path, hub: Hub
) -> None:
    for public in ([], ["--public"]):
        done = convlens("push", run, "me/shapes", *public)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{hub.url}/me/shapes\n"
        assert hub.files == {
            "detector.onnx": (run / "detector.onnx").read_bytes(),
            "README.md": (run / "card.md").read_bytes(),
        }
    assert [one["visibility"] for one in hub.made] == ["private", "public"]
    assert {(one["organization"], one["name"]) for one in hub.made} == {("me", "shapes")}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "the token is not known there (401)"),
        (403, "is not there, or the token may not write to it (403)"),
        (404, "is not there, or the token may not write to it (404)"),
        (500, "answers 500"),
    ],
)
def test_what_a_hub_refuses_to_take_is_told_in_one_line(
    convlens: Convlens, run: Path, hub: Hub, status: int, says: str
) -> None:
    hub.refuse = status
    done = convlens("push", run, "me/shapes")
    assert_clear(done, 1, says)
    assert done.stderr.startswith(f"convlens: error: {hub.url}/me/shapes")
    assert len(done.stderr.splitlines()) == 1
    assert not hub.files


def test_what_cannot_be_published_is_said_before_anybody_is_asked(
    convlens: Convlens, run: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_clear(convlens("push", run, "shapes"), 2, "'shapes' is no OWNER/NAME")
    assert_clear(convlens("push", run, "a/b c"), 2, "'a/b c' is no OWNER/NAME, of letters")
    assert_clear(convlens("push", tmp_path, "me/shapes"), 1, "has no card.md: give the folder")
    shutil.copytree(run, tmp_path / "damaged")
    content = bytearray((run / "detector.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "damaged" / "detector.onnx").write_bytes(content)
    assert convlens("push", tmp_path / "damaged", "me/shapes").returncode == 1
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert_clear(convlens("push", run, "me/shapes"), 1, "there is no token for the hub")
    assert not hub.asked


def test_without_a_network_nothing_is_published_and_it_is_said(
    convlens: Convlens, run: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    done = convlens("push", run, "me/shapes")
    assert_clear(done, 1, "http://127.0.0.1:9/me/shapes cannot be reached")
    assert len(done.stderr.splitlines()) == 1
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_clear(convlens("push", run, "me/shapes"), 1, "HF_HUB_OFFLINE forbids to publish")
    assert not hub.asked
