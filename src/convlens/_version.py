"""The version, which is that of the git tag that the installed package was built from."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("convlens")
except PackageNotFoundError:  # the sources themselves, not installed
    __version__ = "0.0"
