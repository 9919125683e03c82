"""How much a server takes on."""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class RequestLimits:
    """How large a request may be, how long it may take, and how many may wait."""

    upload: int = 32_000_000
    """Bytes of a request's body."""
    files: int = 64
    """Pictures of a request."""
    _: KW_ONLY
    pixels: int = 64_000_000
    """Pixels of a picture, height times width; decoding takes up to 26 bytes for each."""
    waiting: int = 64
    """Requests that wait until others have been computed; more are refused with 503."""
    seconds: float = 30.0
    """For a request, waiting included; after them it is given up with 504."""
