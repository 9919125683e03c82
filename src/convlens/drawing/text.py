"""Numbers as text for pages."""


def percent(share: float, digits: int = 1) -> str:
    """0.1234 as `12.3 %`, with a space at which no line breaks."""
    return f"{100 * share:.{digits}f}\u00a0%"
