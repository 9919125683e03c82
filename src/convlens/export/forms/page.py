"""The page beside a form: what it takes, and how pictures are brought to that."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from ...detector.sessions.input_form import InputForm

if TYPE_CHECKING:
    from ...detector.detector import Detector

_SNIPPETS = files("convlens.export.forms")


def readme(to: str, form: InputForm, detector: "Detector") -> str:
    """The page's text, in Markdown."""
    labels = json.dumps(list(detector.labels), ensure_ascii=False)
    parts = [f"# A detector of {len(detector.labels)} classes, as `{to}`\n"]
    if to == "edge":
        batch = "1" if form.batch == "1" else "batch"
        shape = ", ".join(batch if n == "batch" else str(n) for n in form.shape)
        parts += [
            f"`detector.onnx` takes `image`, {form.dtype} [{shape}]: RGB, levels 0 to 255"
            + (", as floating-point numbers" if form.dtype == "float32" else "")
            + f". It gives `probabilities` [{batch}, {len(detector.labels)}], in the order of "
            f"`labels.json`: {labels}.\n",
            _snippet("resize.md", form),
            "## Python\n\n```python\n"
            + _snippet("resize.py", form)
            + _snippet("edge.py", form)
            + "```\n",
            "## JavaScript\n\nPixels are what `getImageData` gives (RGBA), or any other array.\n\n"
            "```javascript\n" + _snippet("edge.js", form) + "```\n",
            "## Java\n\n```java\n" + _snippet("edge.java", form) + "```\n\n"
            "Then, with ONNX Runtime for Java (written after its documentation, and never run):\n\n"
            "```java\n" + _snippet("run.java", form) + "```\n",
        ]
    elif to == "openvino":
        parts += [
            "`detector.xml` and `detector.bin` take `image`, uint8 [batch, height, width, 3]: "
            "upright RGB of any size; the resize is inside. They give `probabilities`, in the "
            f"order of `labels.json`: {labels}.\n",
            "```python\n" + _snippet("openvino.py", form) + "```\n",
        ]
    elif to == "tflite":
        parts += [
            f"`detector.tflite` takes uint8 [1, {form.side}, {form.side}, 3]: RGB. Its first "
            f"output are probabilities, in the order of `labels.json`: {labels}.\n",
            _snippet("resize.md", form),
            "```python\n" + _snippet("resize.py", form) + _snippet("tflite.py", form) + "```\n",
        ]
    elif to == "browser":
        parts += [_snippet("browser.md", form)]
    else:
        parts += [
            "`detector.onnx` is used as the detector that it was made from: upright RGB pixels of "
            f"any size in, `probabilities` out, in the order of `labels.json`: {labels}.\n"
        ]
    parts.append("`convlens predict`, `evaluate`, `compare` and `serve` take this folder.\n")
    return "\n".join(parts)


def _snippet(name: str, form: InputForm) -> str:
    """A program with this form's numbers."""
    text = _SNIPPETS.joinpath(f"snippets/{name}.txt").read_text(encoding="utf-8")
    whole = form.dtype == "uint8"
    for mark, value in (
        ("SIDE", str(form.side)),
        ("DTYPE", form.dtype),
        ("LAYOUT", form.layout),
        ("ARRAY", "Uint8Array" if whole else "Float32Array"),
        ("JAVA", "byte" if whole else "float"),
        ("BUFFER", "ByteBuffer" if whole else "FloatBuffer"),
        ("TYPE", ", OnnxJavaType.UINT8" if whole else ""),
        ("SHAPE", ", ".join(str(1 if length == "batch" else length) for length in form.shape)),
    ):
        text = text.replace(f"@{mark}@", value)
    return text
