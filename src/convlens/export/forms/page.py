"""The page beside a form: what it takes, and how pictures are brought to that."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from ...detector.inside.graph import Graph
from ...detector.integrity import unseal
from ...detector.sessions.input_form import InputForm
from ...pictures.canvas import Canvas, shape_of

if TYPE_CHECKING:
    from ...detector.detector import Detector

_SNIPPETS = files("convlens.export.forms")
_FITTED = {
    "JS": (
        "return [HEIGHT, WIDTH];",
        "const f = Math.fround, scale = Math.min(f(HEIGHT / height), f(WIDTH / width));\n"
        "  const fit = (length, side) => "
        "Math.min(side, Math.max(1, Math.floor(f(f(length * scale) + 0.5))));\n"
        "  return [fit(height, HEIGHT), fit(width, WIDTH)];",
    ),
    "JAVA": (
        "return new int[] {HEIGHT, WIDTH};",
        "float scale = Math.min((float) HEIGHT / height, (float) WIDTH / width);\n"
        "    int rows = (int) Math.floor(height * scale + 0.5f);\n"
        "    int columns = (int) Math.floor(width * scale + 0.5f);\n"
        "    return new int[] {\n"
        "      Math.min(HEIGHT, Math.max(1, rows)), Math.min(WIDTH, Math.max(1, columns))\n"
        "    };",
    ),
}
"""How many rows and columns a picture has: where it is squashed, and on a canvas."""


def readme(to: str, form: InputForm, detector: "Detector") -> str:
    """The page's text, in Markdown."""
    names = json.dumps(list(detector.labels), ensure_ascii=False)
    canvas = isinstance(form.frame, Canvas)
    kind = "boxes of " * canvas + f"{len(detector.labels)} classes"
    order = "in the order of `labels.json`"
    gives = (
        f" It gives:\n\n{_outputs(to, form, detector)}"
        if canvas
        else f" It gives `probabilities` [N, {len(detector.labels)}], {order}: {names}.\n"
    )
    own = 'answers["boxes"] = own_pixels(answers["boxes"], *image.shape[:2])\n' * canvas
    ends = _snippet("boxes.py" if canvas else "classes.py", form, detector=detector)
    placing = _snippet("canvas.md" if canvas else "resize.md", form)
    python = _snippet("resize.py", form) + _snippet("canvas.py" if canvas else "squash.py", form)
    shape = ", ".join("N" if length == "batch" else str(length) for length in form.shape)
    any_size = (
        "`image`, uint8 [N, height, width, 3]: upright RGB of any size; the resize is inside."
    )
    parts = [f"# A detector of {kind}, as `{to}`\n"]
    if to == "edge":
        parts += [
            f"`detector.onnx` takes `image`, {form.dtype} [{shape}]: RGB, levels 0 to 255"
            + (", as floating-point numbers" if form.dtype == "float32" else "")
            + f".{gives}",
            placing,
            f"## Python\n\n```python\n{python}{_snippet('edge.py', form)}{own}{ends}```\n",
            "## JavaScript\n\nPixels are what `getImageData` gives (RGBA), or any other array.\n\n"
            "```javascript\n" + _snippet("edge.js", form) + "```\n",
            "## Java\n\n```java\n" + _snippet("edge.java", form) + "```\n",
        ]
        if not canvas:
            parts += [
                "Then, with ONNX Runtime for Java (written after its documentation, and never "
                f"run):\n\n```java\n{_snippet('run.java', form)}```\n"
            ]
    elif to == "openvino":
        parts += [
            f"`detector.xml` and `detector.bin` take {any_size}{gives}",
            f"```python\n{_snippet('openvino.py', form)}{ends}```\n",
        ]
    elif to == "tflite":
        parts += [
            f"`detector.tflite` takes uint8 [{shape}]: RGB. Its first output are probabilities, "
            f"{order}: {names}.\n",
            placing,
            f"```python\n{python}{_snippet('tflite.py', form)}{ends}```\n",
        ]
    elif to == "browser":
        parts += [_snippet("browser.md", form)]
    else:
        parts += [
            f"`detector.onnx` takes {any_size}{gives}",
            f"```python\n{_snippet('onnx.py', form)}{ends}```\n",
        ]
    parts.append("`convlens predict`, `evaluate`, `compare` and `serve` take this folder.\n")
    return "\n".join(parts)


def _outputs(to: str, form: InputForm, detector: "Detector") -> str:
    """What a detector of boxes answers with."""
    rule = ", ".join(
        f"{label} {least:.3g}"
        for label, least in zip(detector.labels, detector.rule.thresholds, strict=True)
    )
    on_canvas = to == "edge"
    assert detector.path is not None  # noqa: S101
    overlap = Graph(unseal(detector.path.read_bytes())).tensor("overlap")
    assert overlap is not None  # noqa: S101
    text = _snippet("boxes.md", form, detector=detector)
    for mark, value in (
        ("BATCH", "1" if on_canvas and form.batch == "1" else "N"),
        ("MOST", str(detector.session.shapes["scores"][1])),
        ("PIXELS", "canvas" if on_canvas else "picture"),
        ("OVERLAP", f"{overlap[0]:.2g}"),
        ("RULE", rule),
    ):
        text = text.replace(f"@{mark}@", value)
    return text


def _snippet(name: str, form: InputForm, *, detector: "Detector | None" = None) -> str:
    """A program with this form's numbers."""
    text = _SNIPPETS.joinpath(f"snippets/{name}.txt").read_text(encoding="utf-8")
    whole, canvas = form.dtype == "uint8", isinstance(form.frame, Canvas)
    height, width = shape_of(form.frame)
    least = list(detector.rule.thresholds) if detector and canvas else []
    for mark, value in (
        ("HEIGHT", str(height)),
        ("WIDTH", str(width)),
        ("DTYPE", form.dtype),
        ("LAYOUT", form.layout),
        ("ARRAY", "Uint8Array" if whole else "Float32Array"),
        ("JAVA", "byte" if whole else "float"),
        ("BUFFER", "ByteBuffer" if whole else "FloatBuffer"),
        ("TYPE", ", OnnxJavaType.UINT8" if whole else ""),
        ("SHAPE", ", ".join(str(1 if length == "batch" else length) for length in form.shape)),
        ("LEAST", json.dumps(least)),
        ("FITTED_JS", _FITTED["JS"][canvas]),
        ("FITTED_JAVA", _FITTED["JAVA"][canvas]),
        ("FILL_JS", ".fill(114)" * canvas),
        (
            "FILL_JAVA",
            f"    java.util.Arrays.fill(input, ({'byte' if whole else 'float'}) 114);\n" * canvas,
        ),
    ):
        text = text.replace(f"@{mark}@", value)
    return text
