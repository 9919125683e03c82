"""The case as one self-contained page."""

from ..drawing.template import rendered, text_of
from .section import Case


def render(case: Case) -> str:
    """The page as HTML. Text is escaped; the markup of figures, made here, is not."""
    style = text_of("report/style.css") + text_of("reasons/page.css")
    return rendered("reasons/page.html", case=case, style=style)
