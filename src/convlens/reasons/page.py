"""The case as one self-contained page."""

from importlib.resources import files

from .section import Case


def render(case: Case) -> str:
    """The page as HTML. Text is escaped; the markup of figures, made here, is not."""
    import jinja2
    import markupsafe

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        files("convlens.reasons").joinpath("page.html").read_text("utf-8")
    )
    style = files("convlens.report").joinpath("style.css").read_text("utf-8")
    own_style = files("convlens.reasons").joinpath("page.css").read_text("utf-8")
    return template.render(
        case=case,
        style=markupsafe.Markup(style + own_style),  # noqa: S704
        markup=markupsafe.Markup,
    )
