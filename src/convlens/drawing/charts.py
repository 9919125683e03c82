"""Charts as SVG text that takes its colours from the page."""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import check_place, write_whole

# matplotlib writes colours as they are; this one is replaced by the page's own text colour.
_INK = "#010203"
_STANDALONE = "<style>svg{color:#222}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
_DOT = re.compile(r'<g id="dot(\d+)">')
_COLOURS = ("#3b7dd8", "#d8663b", "#3ba272", "#9a60b4", "#b08a1e", "#7a7a7a")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    for spine in ("bottom", "left"):
        axes.spines[spine].set_color(_INK)
    axes.tick_params(which="both", colors=_INK)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_color(_INK)
    axes.grid(alpha=0.25, color=_INK, linewidth=0.5)
    return figure, axes


def _svg(figure: Any, titles: Sequence[str]) -> str:
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "convlens"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue().replace(_INK, "currentColor")
    text = _DOT.sub(
        lambda dot: f'<g class="dot"><title>{escape(titles[int(dot[1])])}</title>', text
    )
    return text[text.index("<svg") :]


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float | None]],
    *,
    x_label: str,
    y_label: str,
    mark: tuple[float, str] | None = None,
    logarithmic: bool = False,
    lowest: float = 0.0,
) -> str:
    """Lines over a common x, linear or logarithmic; `mark` is a vertical line with its name."""
    return paths(
        {name: (x, values) for name, values in lines.items()},
        x_label,
        y_label=y_label,
        mark=mark,
        logarithmic=logarithmic,
        lowest=lowest,
    )


def paths(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    x_label: str,
    *,
    y_label: str,
    mark: tuple[float, str] | None = None,
    logarithmic: bool = False,
    lowest: float = 0.0,
) -> str:
    """The same of lines that each have an x of their own."""
    figure, axes = _figure(6.4, 3.2)
    titles: list[str] = []
    for (name, (x, values)), colour in zip(lines.items(), cycle(_COLOURS), strict=False):
        points = [(a, b) for a, b in zip(x, values, strict=True) if b is not None]
        if points:
            marker = "o" if len(points) < 30 else None
            axes.plot(*zip(*points, strict=True), label=name, color=colour, marker=marker, ms=3)
        for a, b in points:
            _dot(axes, a, y=b, colour=colour, number=len(titles))
            titles.append(f"{name}: {y_label} {b:.4g} at {x_label} {a:,.4g}")
    if mark:
        axes.axvline(mark[0], color=_INK, linestyle=":", linewidth=1, label=mark[1])
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    highest = max((b for _, values in lines.values() for b in values if b is not None), default=1.0)
    axes.set_ylim(lowest, lowest + 1.08 * (highest - lowest) or 1.0)
    if logarithmic:
        axes.set_xscale("log")
        ticks = sorted({value for x, _ in lines.values() for value in x})
        crowded = {a for a, b in pairwise(ticks) if b < 1.4 * a}  # their names would overlap
        axes.set_xticks(ticks, ["" if v in crowded else f"{v:,.4g}" for v in ticks])
        axes.minorticks_off()
    axes.legend(frameon=False, labelcolor=_INK)
    return _svg(figure, titles)


def _dot(axes: Any, x: float, *, y: float, colour: str, number: int) -> None:
    """A place to hover over, where the browser shows the values."""
    axes.plot([x], [y], "o", ms=9, color=colour, alpha=0, gid=f"dot{number}")


def scatter(
    points: Mapping[str, tuple[float, float]],
    x_label: str,
    *,
    y_label: str,
) -> str:
    """Named points over a logarithmic x; a line joins those that none beats."""
    return _svg(*_scatter(points, x_label, y_label=y_label))


def pareto(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of those that no other beats in y without a larger x."""

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b >= y and (a, b) != (x, y) for a, b in points.values())

    return [name for name, (x, y) in points.items() if not beaten(x, y)]


def save_scatter(
    path: Path,
    points: Mapping[str, tuple[float, float]],
    *,
    x_label: str,
    y_label: str,
    title: str,
    intervals: Mapping[str, tuple[float, float]],
) -> None:
    """The same as a file by itself, SVG (light or dark as its reader is) or PNG.

    `intervals` are drawn as bars: the lowest and the highest y of each point. Raises `UsageError`
    for a path that ends otherwise, `ConvlensError` where it cannot be written.
    """
    check_chart(path)
    figure, titles = _scatter(points, x_label, y_label=y_label, intervals=intervals, title=title)
    data: str | bytes = _svg(figure, titles).replace(">", f">{_STANDALONE}", 1)
    if path.suffix.lower() == ".png":
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=160, facecolor="white")
        data = buffer.getvalue()
    write_whole(path, data)


def check_chart(path: Path) -> None:
    """Raise a `UsageError` for a file that is neither SVG nor PNG by its name, or has no folder."""
    if path.suffix.lower() not in {".svg", ".png"}:
        raise UsageError(f"{path}: a chart is an .svg or a .png")
    check_place(path)


def _scatter(
    points: Mapping[str, tuple[float, float]],
    x_label: str,
    *,
    y_label: str,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
) -> tuple[Any, list[str]]:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure, axes = _figure(6.4, 3.6)
    titles: list[str] = []
    front = pareto(points)
    for name, (x, y) in points.items():
        _dot(axes, x, y=y, colour=_COLOURS[0], number=len(titles))
        titles.append(f"{name}: {y_label} {y:.4g} at {x_label} {x:,.4g}")
        colour = _COLOURS[0] if name in front else _COLOURS[1]
        axes.plot(x, y, "o", color=colour)
        if intervals is not None:
            axes.vlines(x, *intervals[name], color=colour, linewidth=1.5)
        axes.annotate(name, (x, y), (5, 4), textcoords="offset points", color=_INK, fontsize=8)
    if len(front) > 1:
        line = sorted(points[name] for name in front)
        axes.plot(*zip(*line, strict=True), color=_COLOURS[0], linewidth=1, label="Pareto front")
        axes.legend(frameon=False, labelcolor=_INK)
    axes.set_xscale("log")
    plain = FuncFormatter(lambda value, _: f"{value:,.4g}")
    axes.xaxis.set_major_formatter(plain)
    lowest, highest = (pick(x for x, _ in points.values()) for pick in (min, max))
    axes.xaxis.set_minor_formatter(plain if highest < 8 * lowest else NullFormatter())
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, fontsize=9, color=_INK)
    axes.margins(0.15)
    return figure, titles
