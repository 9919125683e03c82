"""Pages and parts of them, from the HTML templates that lie beside the code."""

from importlib.resources import files
from typing import Any


def rendered(name: str, **values: Any) -> str:
    """A template of this package, by its path in it, filled in.

    All values are escaped, but those that the template itself calls safe: markup made here.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("convlens", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name).render(values)


def text_of(name: str) -> str:
    """A text file of this package, by its path in it: a style, or a script."""
    return files("convlens").joinpath(*name.split("/")).read_text("utf-8")
