"""How `make docs` makes a site of these pages: once in each language."""

import re

from sphinx import search
from sphinx.search.en import SearchEnglish

from convlens import __version__

project = "convlens"
copyright = "the convlens contributors, Apache-2.0"  # noqa: A001
release = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_argparse_cli",
    "sphinx_copybutton",
]
exclude_patterns = ["locale"]

html_theme = "furo"
html_title = "convlens"
templates_path = ["site"]
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "languages.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_theme_options = {
    "source_repository": "https://github.com/convlens/convlens/",
    "source_branch": "main",
    "source_directory": "docs/",
}
html_show_sphinx = False

language = "en"
locale_dirs = ["locale"]
gettext_compact = False  # a catalogue for each page
gettext_location = False  # line numbers would change with every edit

myst_heading_anchors = 4  # as GitHub names headings
highlight_language = "none"  # of blocks that do not name theirs: commands and what they print
smartquotes_action = "D"  # quotation marks stay as they are typed
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "__init__, __new__"}


class SearchChinese(SearchEnglish):
    """Finds Chinese, which has no spaces, by any two to five characters in a row.

    Sphinx's own takes a further package for it, and without it finds nothing.
    """

    lang = "zh"

    def split(self, input: str) -> list[str]:  # noqa: A002
        """The words of a text; of Chinese every short run of characters."""
        words = re.findall(r"[^\W\u4e00-\u9fff]+", input)
        for run in re.findall(r"[\u4e00-\u9fff]{2,}", input):
            words += [run[k : k + n] for n in range(2, 6) for k in range(len(run) - n + 1)]
        return words


search.languages["zh"] = SearchChinese

nb_execution_mode = "cache"  # a notebook is run once, until it changes
nb_execution_cache_path = "build/notebooks"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_output_stderr = "remove"  # of libraries, that they miss widgets
nb_execution_in_temp = True  # what they write is theirs
