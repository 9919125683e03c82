"""What the scripts' command lines have in common."""

import argparse
from pathlib import Path

UNPACKED = Path("../pictures")
"""Where the sets of pictures are unpacked by default: beside the repository."""


def script_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring as it stands, its example included."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_pictures(parser: argparse.ArgumentParser, name: str = "") -> None:
    """`--pictures`: the folder of one set of pictures, or of all sets where no name is given."""
    parser.add_argument(
        "--pictures",
        type=Path,
        default=UNPACKED / name,
        help="a folder with a folder per class" if name else "the folder of all sets",
    )


def detector_file(path: Path) -> Path:
    """The detector in a run's folder, or the file itself."""
    return path / "detector.onnx" if path.is_dir() else path
