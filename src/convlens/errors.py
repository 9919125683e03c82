"""Errors that a user can act on. Each tells what was found, where, and what to do."""


class ConvlensError(Exception):
    """Something failed that the user can mend; shown as `convlens: error: …`, exit status 1."""

    exit_status = 1


class UsageError(ConvlensError):
    """The command or function was called wrongly; exit status 2."""

    exit_status = 2


class PictureError(ConvlensError):
    """One picture cannot be read; training skips and lists it, predicting reports it in its row."""


def require(module: str, extra: str, *, what: str) -> None:
    """Raise a `ConvlensError` that names the extra to install where `module` is missing."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise ConvlensError(
            f"{what} needs {module}, which is not installed: pip install 'convlens[{extra}]'"
        )
