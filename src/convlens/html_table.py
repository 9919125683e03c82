"""Tables as HTML, by which results show themselves in notebooks."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under headings, as text: everything is escaped. The first cell of a row names it."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = [f"<tr>{head}</tr>"] if heads else []
    for name, *cells in rows:
        data = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        body.append(f"<tr><th>{escape(str(name))}</th>{data}</tr>")
    return f"<table>{''.join(body)}</table>"


def html_list(lines: Iterable[str]) -> str:
    """Lines of text as a list, or nothing where there are none."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""
