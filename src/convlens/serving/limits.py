"""How much a server takes on."""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Limits:
    """What a request may ask for, and how many may wait."""

    upload: int = 32_000_000
    """Bytes of a request."""
    files: int = 64
    """Pictures of a request."""
    _: KW_ONLY
    waiting: int = 64
    """Requests that wait for their turn; more are refused with 503."""
    seconds: float = 30.0
    """For a request, waiting included; then it is given up with 504."""
