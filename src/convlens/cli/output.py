"""What the commands print: tables, JSON, and lines that are safe to show."""

import json
import sys
from typing import Any

from ..pictures.folder import UNLISTED


def printable(text: str) -> str:
    """Text with control characters and undecodable bytes spelt out, so that it cannot act."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def emit(text: str) -> None:
    """One line on standard output."""
    print(text)  # noqa: T201


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"convlens: {text}", file=sys.stderr)  # noqa: T201


class PassedOver:
    """What a command passes over: counted and named once it has answered the rest."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def __call__(self, name: str, reason: str) -> None:
        """Note one."""
        self._reasons[name] = reason

    def say(self, most: int = 5) -> bool:
        """Name them on standard error. Returns whether any should have been read, and was not."""
        if self._reasons:
            named = [f"{name} {reason}" for name, reason in self._reasons.items()]
            shown = "; ".join(named[:most]) + ("; …" if len(named) > most else "")
            complain(f"passed over ({len(named):,}): {printable(shown)}")
        return any(reason.startswith(UNLISTED) for reason in self._reasons.values())


def emit_json(value: Any) -> None:
    """One JSON document on standard output."""
    emit(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def duration(seconds: float) -> str:
    """`4:05`, or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def table(headings: list[str], rows: list[list[str]], *, left: int = 1) -> str:
    """Rows in aligned columns, the first `left` of them to the left, numbers to the right."""
    cells = [headings, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = []
    for row in cells:
        parts = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)
