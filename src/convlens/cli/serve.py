"""`convlens serve`."""

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING

from ..errors import ConvlensError, UsageError, require
from .arguments import Subparsers, command
from .output import emit, printable

if TYPE_CHECKING:
    import socket

EXAMPLES = """\
  convlens serve runs/pictures --open            a page to try it on, on this machine alone
  convlens serve detector.onnx --port 9000
  convlens serve detector.onnx --host 0.0.0.0    for others too: a token is made and printed
  curl -F files=@photo.jpg http://127.0.0.1:8000/predict"""

GRACE = 30
"""Seconds in which a server that is to end finishes what it has begun."""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    from ..serving.request_limits import RequestLimits

    parser = command(
        commands, "serve", summary="serve a page and an HTTP API for a detector", examples=EXAMPLES
    )
    parser.add_argument("detector", help="a detector.onnx, or its run folder")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="[8000]; 0: any")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen [127.0.0.1]"
    )
    parser.add_argument(
        "--token",
        metavar="TEXT",
        help="what callers have to show; CONVLENS_TOKEN does the same; made where --host is wider",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    for one, says in (
        ("upload", "bytes of a request"),
        ("files", "pictures of a request"),
        ("waiting", "requests that may wait"),
        ("seconds", "seconds for a request"),
    ):
        default = getattr(RequestLimits(), one)
        parser.add_argument(
            f"--max-{one}", type=type(default), default=default, help=f"{says} [{default:,}]"
        )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    for module in ("fastapi", "uvicorn", "multipart", "prometheus_client"):
        require(module, "serve", what="serving")
    import logging

    import uvicorn

    from ..detector.detector import Detector
    from ..serving.app import create_app
    from ..serving.auth import LOOPBACK
    from ..serving.request_limits import RequestLimits

    limits = RequestLimits(
        asked.max_upload, asked.max_files, waiting=asked.max_waiting, seconds=asked.max_seconds
    )
    if min(vars(limits).values()) <= 0:
        raise UsageError("limits are above 0")
    detector = Detector(asked.detector)
    near = asked.host in LOOPBACK
    token = asked.token or os.environ.get("CONVLENS_TOKEN") or None
    if token is None and not near:
        import secrets

        token = secrets.token_urlsafe(18)
    listening = _listen(asked.host, asked.port)
    port = listening.getsockname()[1]
    shown = f"[{asked.host}]" if ":" in asked.host else asked.host
    address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
    app = create_app(detector, limits, hosts=LOOPBACK if near else None, token=token)
    emit(f"convlens tells {printable(', '.join(detector.labels))} at {address}")
    emit("Ctrl-C ends it")
    sys.stdout.flush()
    if asked.open:
        import webbrowser

        webbrowser.open(address)
    # what is wrong with a form is told to who sent it: anybody could fill a log with it
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=10,
    )
    with contextlib.suppress(KeyboardInterrupt):  # raised again after everything was finished
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> "socket.socket":
    import socket

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(256)  # whoever reads the address may come at once, and waits
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConvlensError(
            f"cannot listen on {host}, port {port}: {why}; name another --port, or 0 for any"
        ) from error
    return listening
