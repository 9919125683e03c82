"""Parameter sharing, on one picture: a filter slides, and fires wherever its pattern stands."""

from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from .section import Claim, Figure, Section, exactly

Array = npt.NDArray[np.float64]

STEP = np.tile([10.0, 10.0, 10.0, 0.0, 0.0, 0.0], (6, 1))
"""The lecture's 6×6 picture: bright on the left, dark on the right."""
VERTICAL = np.tile([1.0, 0.0, -1.0], (3, 1))
"""Its vertical-edge filter."""
HORIZONTAL = VERTICAL.T.copy()


def correlate(picture_HW: Array, filter_KK: Array) -> Array:
    """The filter's product with every patch of the picture: [H - K + 1, W - K + 1].

    It is what the field calls convolution: cross-correlation, which does not flip the filter.
    """
    patches = np.lib.stride_tricks.sliding_window_view(picture_HW, filter_KK.shape)
    map_HW: Array = np.einsum("ijkl,kl->ij", patches, filter_KK)
    return map_HW


def lecture_example() -> dict[str, Any]:
    """The step, the filter and its answer as plain data, with the 9 parameters and 16 outputs."""
    answer = correlate(STEP, VERTICAL)
    return {
        "picture": STEP.tolist(),
        "filter": VERTICAL.tolist(),
        "answer": answer.tolist(),
        "parameters": VERTICAL.size,
        "outputs": answer.size,
        "inputs": STEP.size,
        "inputs_per_output": VERTICAL.size,
    }


def edges(pixels_HWC: npt.NDArray[np.uint8]) -> dict[str, Array]:
    """Where a picture's brightness changes from left to right, and from top to bottom: [H-2, W-2].

    Brightness is 0 to 1, so a filter's answer is -3 to 3.
    """
    grey = pixels_HWC.astype(np.float64).mean(2) / 255
    return {"vertical": correlate(grey, VERTICAL), "horizontal": correlate(grey, HORIZONTAL)}


def grid(values: Array, caption: str = "") -> str:
    """A small matrix as a table for the page, each cell as bright as its value."""
    low, high = float(values.min()), float(values.max())

    def cell(value: float) -> str:
        share = (value - low) / (high - low) if high > low else 0.5
        return f'<td style="--v: {share:.3f}">{value:g}</td>'

    rows = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in values)
    return f'<table class="grid"><caption>{caption}</caption>{rows}</table>'


def section() -> Section:
    """The lecture's example: a step, a vertical-edge filter, the answer 0 30 30 0."""
    example = lecture_example()
    answer = np.array(example["answer"])
    claims = [
        Claim(
            "A filter that finds vertical edges answers 0 30 30 0 on a step from bright to dark",
            " / ".join(" ".join(f"{v:g}" for v in row) for row in example["answer"]),
            *exactly(example["answer"], [[0.0, 30.0, 30.0, 0.0]] * 4),
        ),
        Claim(
            "One 3×3 filter of 9 parameters makes all 16 outputs: useful in one place, useful in "
            "another",
            f"{example['parameters']} parameters, {example['outputs']} outputs",
            *exactly((example["parameters"], example["outputs"]), (9, 16)),
        ),
    ]
    markup = (
        '<div class="row">'
        + grid(STEP, "picture, 6×6")
        + "<b>∗</b>"
        + grid(VERTICAL, "filter, 9 parameters")
        + "<b>=</b>"
        + grid(answer, "answer, 16 outputs")
        + "</div>"
    )
    figure = Figure("The same nine numbers at all sixteen places.", markup)
    return Section(
        "sharing",
        "Parameter sharing",
        claims=claims,
        figures=[figure],
        sketch=sketch(),
        data={"lecture": example},
    )


def sketch() -> str:
    """The example in characters."""
    columns = [
        ["picture", *_rows(STEP)],
        ["filter", *_rows(VERTICAL)],
        ["answer", *_rows(correlate(STEP, VERTICAL))],
    ]
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row, cells in enumerate(zip_longest(*columns, fillvalue="")):
        times, equals = ("   ∗   ", "   =   ") if row == 2 else (" " * 7, " " * 7)
        picture, filter_row, answer = (
            cell.ljust(width) for cell, width in zip(cells, widths, strict=True)
        )
        lines.append(f"{picture}{times}{filter_row}{equals}{answer}".rstrip())
    return "\n".join(lines)


def _rows(values: Array) -> list[str]:
    return [" ".join(f"{value:2g}" for value in row) for row in values]
