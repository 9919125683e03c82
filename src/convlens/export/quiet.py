"""Other libraries' notes while they convert a graph, which no user can act on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_log() -> Iterator[None]:
    """Nothing is logged up to warnings, and as before afterwards."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
