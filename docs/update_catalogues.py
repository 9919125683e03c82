"""Bring the catalogues of translations up to date with the pages: `make translations`.

A page is translated where it has a catalogue, `locale/LANGUAGE/LC_MESSAGES/PAGE.po`; an empty file
begins one. Whatever has changed in the page is marked as fuzzy there, or has no translation yet.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

LOCALE = Path(__file__).parent / "locale"


def catalogues(templates: Path) -> Iterator[tuple[Path, Catalog, Catalog]]:
    """Each catalogue: its file, what it holds, and the template that Sphinx made of its page."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/**/*.po")):
        messages = path.relative_to(LOCALE).parents[-2] / "LC_MESSAGES"
        page = path.relative_to(LOCALE / messages)
        with path.open("rb") as file, (templates / page.with_suffix(".pot")).open("rb") as made:
            yield path, read_po(file, locale=messages.parts[0]), read_po(made)


def main() -> None:
    """Update every catalogue from the templates in a folder."""
    for path, catalogue, template in catalogues(Path(sys.argv[1])):
        catalogue.update(template)
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, ignore_obsolete=True)


if __name__ == "__main__":
    main()
