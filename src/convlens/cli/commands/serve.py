"""`convlens serve`."""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from urllib.parse import quote

from ...errors import UsageError, require
from ...files import given_path, saying_where
from ..arguments import Parser, add_detector
from ..output import emit, printable

SUMMARY = "serve a page and an HTTP API for a detector"
EXAMPLES = """\
  convlens serve runs/pictures --open          a page, for this machine alone
  convlens serve detector.onnx --port 9000
  convlens serve wave.onnx                     paints what a camera sees
  convlens serve runs/pictures --teach taught  keeps what the page teaches by
  convlens serve detector.onnx --host 0.0.0.0  for others too: prints a token
  curl -F files=@photo.jpg http://127.0.0.1:8000/predict"""

GRACE = 30
"""Seconds in which a server that is to end finishes what it has begun."""


def add(parser: Parser) -> None:
    """Add its arguments."""
    from ...serving.limits.request_limits import RequestLimits

    add_detector(parser)
    parser.add_argument(
        "--port", type=int, default=8000, metavar="PORT", help="port to listen on; 0: any [8000]"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on [127.0.0.1]"
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="password for callers, or CONVLENS_TOKEN, or the file that CONVLENS_TOKEN_FILE names "
        "[auto: made if --host is wider]",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name of this server, such as that of a proxy; may be repeated",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="another site whose pages may use it, as https://example.org; may be repeated",
    )
    parser.add_argument(
        "--root-path", default="", metavar="PATH", help="path below which a proxy shows it"
    )
    parser.add_argument(
        "--access-log", action="store_true", help="a line for each request on standard error"
    )
    parser.add_argument(
        "--teach",
        metavar="FOLDER",
        help="keep the pictures, boxes and runs of what is taught in the page there "
        "[a temporary folder]",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    for name, metavar, text in (
        ("upload", "BYTES", "largest request"),
        ("files", "N", "most pictures in a request"),
        ("pixels", "N", "most pixels of a picture"),
        ("waiting", "N", "most requests that wait"),
        ("seconds", "SECONDS", "longest time for a request"),
    ):
        default = getattr(RequestLimits(), name)
        parser.add_argument(
            f"--max-{name}",
            type=type(default),
            default=default,
            metavar=metavar,
            help=f"{text} [{default:,}]",
        )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    for module in ("fastapi", "uvicorn", "multipart", "prometheus_client"):
        require(module, "serve", what="serving")
    import logging

    import uvicorn

    from ...detector.detector import Detector
    from ...painting.style_file import StyleFile, is_style
    from ...serving.app import create_app
    from ...serving.auth import LOOPBACK
    from ...serving.limits.request_limits import RequestLimits
    from ...serving.listening import listen
    from ...serving.server_settings import ServerSettings

    limits = RequestLimits(
        args.max_upload,
        args.max_files,
        pixels=args.max_pixels,
        waiting=args.max_waiting,
        seconds=args.max_seconds,
    )
    if not all(limit > 0 for limit in vars(limits).values()):
        raise UsageError("--max-upload and the other limits are above 0")
    near = args.host in LOOPBACK
    token, made = _given_token() if args.token is None else args.token, ""
    if token is None and not near:
        import secrets

        token = made = secrets.token_urlsafe(18)
    settings = ServerSettings(
        hosts=(*LOOPBACK, *args.allow_host) if near or args.allow_host else None,
        origins=args.allow_origin,
        token=token,
        root_path=args.root_path,
        access_log=args.access_log,
    )
    style = is_style(args.detector)
    if style and args.teach is not None:
        raise UsageError("--teach goes with a detector")
    what = StyleFile(args.detector) if style else Detector(args.detector)
    listening = listen(args.host, args.port)
    port = listening.getsockname()[1]
    shown = f"[{args.host}]" if ":" in args.host else args.host
    address = f"http://{shown}:{port}/"
    page = address + (f"?token={quote(token)}" if token else "")
    taught = None if args.teach is None else given_path(args.teach)
    if isinstance(what, StyleFile):
        from ...serving.style_app import create_style_app

        app, does = create_style_app(what, limits, settings), f"paints like {what.painting}"
    else:
        app = create_app(what, limits, settings, taught=taught)
        does = f"tells {', '.join(what.labels)}"
    # whoever gave a token knows it: it does not belong into a log
    where = page if made else address
    emit(f"convlens {printable(does)} at {where}")
    emit("Ctrl-C ends it")
    sys.stdout.flush()
    if args.open:
        import webbrowser

        webbrowser.open(page)
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


def _given_token() -> str | None:
    """What the environment gives, itself or as a file's name; the line's end is none of it."""
    token, file = (os.environ.get(f"CONVLENS_TOKEN{kind}") or None for kind in ("", "_FILE"))
    if token is None and file is not None:
        with saying_where(Path(file), "read the token in"):
            token = Path(file).read_bytes().decode("utf-8", "replace").rstrip("\r\n")
    return token
