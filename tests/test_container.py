"""The image for serving, made and run without Docker, and what the guide gives to run it by."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from convlens.cli import make_parser
from convlens.cli.commands.serve import GRACE
from convlens.serving.auth import LOOPBACK
from dockerfile import HOME, Image, instructions, is_sent
from helpers import killed_where_it_fails
from servers import SECONDS, disc, get, post

DOCKERFILE = (HOME / "Dockerfile").read_text("utf-8")


@pytest.fixture
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are for its user alone
        Path(folder).chmod(0o755)
        image = Image(Path(folder))
        for name, rest in instructions(DOCKERFILE):
            image.carry_out(name, rest)
        yield image


def written(folder: Path) -> dict[Path, int]:
    """When each file was written."""
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.trains
def test_the_image_serves_without_torch_for_nobody_who_writes_nothing(
    image: Image, run: Path, need: Callable[..., str]
) -> None:
    if os.geteuid() == 0:
        need("setpriv")
    megabytes = sum(p.lstat().st_size for p in image.root.rglob("*") if p.is_file()) / 1e6
    print(f"{megabytes:.0f} MB beside the base")
    assert megabytes < 300
    (packages,) = image.root.glob("opt/convlens/lib/python*/site-packages")
    names = {path.name for path in packages.iterdir()}
    assert {"convlens", "onnxruntime", "fastapi"} <= names
    assert not {"torch", "timm", "onnx", "pip", "pytest"} & names
    assert int(image.user) > 0
    asked = make_parser().parse_args(image.words["CMD"])
    assert asked.host not in LOOPBACK
    assert [str(asked.port)] == image.words["EXPOSE"]
    (image.root / "detector").write_bytes((run / "detector.onnx").read_bytes())
    (image.root / "token").write_text("secret\n")
    nowhere = dict.fromkeys(("HOME", "TMPDIR"), "/nowhere")
    env = {**image.env, **nowhere, "CONVLENS_TOKEN_FILE": f"{image.root}/token"}
    serve = [*image.words["ENTRYPOINT"], *image.words["CMD"], "--port", "0"]
    before = written(image.root)

    def start(*words: str, **options: Any) -> subprocess.Popen[str]:
        command = image.command(*words)
        return subprocess.Popen(command, cwd=image.root, env=env, text=True, **options)

    with start(*serve, stdout=subprocess.PIPE) as server, killed_where_it_fails(server):
        assert server.stdout is not None
        said = server.stdout.readline()
        assert "secret" not in said
        port = said.strip().rstrip("/").rsplit(":", 1)[1]
        check = [word.replace(":8000/", f":{port}/") for word in image.words["HEALTHCHECK"]]
        assert start(*check).wait(SECONDS) == 0
        url, files = f"http://127.0.0.1:{port}/", {"files": disc()}
        assert get(f"{url}health").json()["status"] == "ok"
        assert post(f"{url}predict", files=files).status_code == 401
        headers = {"authorization": "Bearer secret"}
        answer = post(f"{url}predict", files=files, headers=headers).json()
        assert answer["predictions"][0]["predicted"] in {"disc", "cross"}
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) in {0, -signal.SIGTERM}
    assert start(*check, stderr=subprocess.DEVNULL).wait(SECONDS) == 1
    assert written(image.root) == before


def test_the_build_is_sent_what_it_is_made_of_alone() -> None:
    sent = {path.name for path in HOME.iterdir() if is_sent(path.name)}
    assert sent == {"constraints.txt", "pyproject.toml", "README.md", "LICENSE", "src"}


@pytest.fixture(scope="module")
def guide() -> list[Any]:
    """What the guide's blocks of YAML hold."""
    text = (HOME / "docs" / "deploy.md").read_text("utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_compose_runs_the_image_as_it_can_be_run(guide: list[Any]) -> None:
    (compose,) = [block for block in guide if "services" in block]
    service = compose["services"]["convlens"]
    args = make_parser().parse_args(service["command"])
    assert [volume.split(":", 1)[1] for volume in service["volumes"]] == [f"{args.detector}:ro"]
    assert [port.rsplit(":", 1)[1] for port in service["ports"]] == [f"{args.port}"]
    (secret,) = service["secrets"]
    assert service["environment"] == {"CONVLENS_TOKEN_FILE": f"/run/secrets/{secret}"}
    assert secret in compose["secrets"]
    assert service["read_only"] is True
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE


def test_kubernetes_runs_the_image_as_it_can_be_run(guide: list[Any]) -> None:
    (deployment,) = [block for block in guide if block.get("kind") == "Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    (container,), (volume,) = spec["containers"], spec["volumes"]
    args, (port,) = make_parser().parse_args(container["args"]), container["ports"]
    assert container["volumeMounts"] == [
        {"name": volume["name"], "mountPath": args.detector, "readOnly": True}
    ]
    assert port["containerPort"] == args.port
    for kind in ("startup", "readiness", "liveness"):
        probe = container[f"{kind}Probe"]["httpGet"]
        assert probe == {"path": "/health", "port": port["name"]}
    assert spec["terminationGracePeriodSeconds"] > GRACE
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"cpu", "memory"} == set(container["resources"]["limits"])
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector == deployment["spec"]["template"]["metadata"]["labels"]
