"""`--to browser`: a page that runs the detector itself, for any web server.

It is the page of `convlens serve`, whose questions go to ONNX Runtime in the browser instead.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...detector.sessions.open import DETECTOR
from ...detector.sessions.protobuf import field
from ...detector.sessions.session import CLASS_MAPS, SQUASHED
from ...errors import UsageError
from ...files import saying_where, write_whole

if TYPE_CHECKING:
    from ...detector.detector import Detector

RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""Of the npm package onnxruntime-web, all that is needed."""
ISOLATE = "isolate.js"
"""It serves all that lies beside it and below."""
SHARED = ("camera.js", "find.js", "shared.js", "style.css", "texts.js", "try.js")
"""Of the server's page."""
STYLE = "style.onnx"
PAINT, PAINTS = "paint.html", "paint_worker.js"
"""The page of a learnt style, and what paints in it."""
_WEB, _SERVED = files("convlens.export.forms") / "web", files("convlens") / "serving" / "page"


def check_runtime(runtime: str | None) -> None:
    """Raise `UsageError` where ONNX Runtime for browsers is not there."""
    if runtime is None:
        raise UsageError(
            "--to browser needs --runtime: the folder of the npm package onnxruntime-web "
            "(npm pack onnxruntime-web, unpacked), or the address of its folder dist"
        )
    if not _is_address(runtime) and not (_dist(runtime) / RUNTIME[0]).is_file():
        raise UsageError(
            f"--runtime {runtime}: it has no {RUNTIME[0]}, as the npm package onnxruntime-web has"
        )


def write_page(folder: Path, detector: "Detector", runtime: str) -> None:
    """The detector's own file, the page, and, where it is given as a folder, the runtime."""
    assert detector.path is not None  # noqa: S101
    write_whole(folder / DETECTOR, detector.path.read_bytes())
    own = [file.name for file in _WEB.iterdir() if file.name.endswith(".js")]
    scripts = {name: _WEB / name for name in own if name not in {ISOLATE, PAINTS}}
    scripts |= {name: _SERVED / name for name in SHARED}
    html = (_WEB / "index.html").read_text("utf-8")
    _write(folder, html, scripts, about=_about(detector), runtime=runtime)


def write_style_page(folder: Path, style: bytes, *, painting: str, runtime: str) -> None:
    """The same for a learnt style, whose page is that of the server with this one's policy."""
    write_whole(folder / STYLE, style)
    scripts = {name: _WEB / name for name in ("api.js", "detector.js")}
    scripts |= {"worker.js": _WEB / PAINTS}
    scripts |= {name: _SERVED / name for name in ("camera.js", "paint.js", "style.css", "texts.js")}
    index, html = (page.read_text("utf-8") for page in (_WEB / "index.html", _SERVED / PAINT))
    (policy,) = [line for line in index.splitlines() if "content-security-policy" in line]
    html = html.replace("@PAINTING@", escape(painting)).replace("<title>", f"{policy}\n<title>")
    html = html.replace('data-text="web.private" hidden', 'data-text="web.private"')
    _write(folder, html, scripts, about={}, runtime=runtime)


def _write(
    folder: Path,
    html: str,
    scripts: Mapping[str, Traversable],
    *,
    about: dict[str, object],
    runtime: str,
) -> None:
    """A page, and the runtime that it asks for."""
    address, origin = "../runtime/", ""
    if _is_address(runtime):
        address = runtime.rstrip("/") + "/"
        parts = urlsplit(address)
        origin = f" {parts.scheme}://{parts.netloc}"
    else:
        (folder / "runtime").mkdir()
        for name in RUNTIME:
            with saying_where(_dist(runtime) / name, "read"):
                write_whole(folder / "runtime" / name, (_dist(runtime) / name).read_bytes())
    (folder / "page").mkdir()
    for name, file in scripts.items():
        write_whole(folder / "page" / name, file.read_bytes())
    write_whole(folder / ISOLATE, (_WEB / ISOLATE).read_bytes())
    write_whole(folder / "index.html", _index(html, origin))
    text = json.dumps({**about, "runtime": address}, ensure_ascii=False)
    write_whole(folder / "page" / "about.json", text)


def _index(html: str, origin: str) -> str:
    """The page, which may ask nobody but its own server, and from there the runtime."""
    return html.replace("'wasm-unsafe-eval'", f"'wasm-unsafe-eval'{origin}").replace(
        "@ORIGIN@", origin
    )


def _about(detector: "Detector") -> dict[str, object]:
    """What the server tells of a detector, as far as the page asks, and what the worker needs."""
    provenance = detector.provenance()
    return {
        "labels": list(detector.labels),
        "metrics": provenance.get("metrics", {}),
        "rule": detector.rule.as_json(),
        "limits": {"files": 8, "upload": 1e9},
        "provenance": {key: provenance[key] for key in ("slides",) if key in provenance},
        "size": int(detector.metadata.get("size", 0)),
        "outputs": detector.task.outputs,
        "why": _why(detector),
    }


def _why(detector: "Detector") -> dict[str, str]:
    """What is put behind the graph for a heat map, and its output.

    These are class maps, where there are such, else the squashed picture: parts of it are hidden.
    """
    part = detector.metadata.get(CLASS_MAPS)
    if part:
        return {"output": CLASS_MAPS, "part": part}
    squashed = b64encode(field(12, field(1, SQUASHED.encode()))).decode()
    return {"output": SQUASHED, "part": squashed}


def _is_address(runtime: str) -> bool:
    return runtime.startswith(("https://", "http://"))


def _dist(runtime: str) -> Path:
    """The package's folder, or the one in it that has its files."""
    folder = Path(runtime)
    return folder / "dist" if (folder / "dist").is_dir() else folder
