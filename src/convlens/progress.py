"""How long work tells how far it has come."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is done, how much there is in all)."""
