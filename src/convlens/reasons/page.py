"""The case as one self-contained page."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .run import Case


def render(case: "Case") -> str:
    """The page as text. What came from outside is escaped; figures are our own markup."""
    import jinja2
    import markupsafe

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        files("convlens.reasons").joinpath("page.html").read_text("utf-8")
    )
    style = files("convlens.report").joinpath("style.css").read_text("utf-8")
    own = files("convlens.reasons").joinpath("page.css").read_text("utf-8")
    return template.render(
        case=case,
        style=markupsafe.Markup(style + own),  # noqa: S704
        markup=markupsafe.Markup,
    )
