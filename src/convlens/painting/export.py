"""A learnt style as a page for any web server, in which it paints."""

from importlib.resources import files
from pathlib import Path

from ..export.forms.browser import check_runtime, write_style_page
from ..files import given_path, new_folder, write_whole
from .style_file import StyleFile


def export_style(style: str | Path, *, out: str | Path, runtime: str | None) -> Path:
    """Write a page that paints pictures and what a camera sees; the folder.

    Args:
        style: The `.onnx` that `learn_style` wrote.
        out: A folder to write.
        runtime: The folder of the npm package onnxruntime-web, which is copied, or an address at
            which its files lie.

    Raises:
        ConvlensError: The file is no learnt style.
        UsageError: `out` is in use, or `runtime` has no such files.

    Examples:
        >>> export_style("wave.onnx", out="page", runtime="onnxruntime-web/")  # doctest: +SKIP
    """
    check_runtime(runtime)
    assert runtime is not None  # noqa: S101
    path, painting = given_path(style), StyleFile(style).painting
    readme = files("convlens.export.forms") / "snippets" / "style.md.txt"
    with new_folder(given_path(out)) as folder:
        write_style_page(folder, path.read_bytes(), painting=painting, runtime=runtime)
        write_whole(folder / "README.md", readme.read_text("utf-8"))
    return given_path(out)
