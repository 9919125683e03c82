"""How a measurement of scale is run: its command line, its folder, and where its figures go."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.arguments import script_parser


def quiet(*_: object) -> None:
    """No progress."""


def run_measurement(doc: str | None, measure: Callable[[Path, bool], dict[str, Any]]) -> None:
    """Measure in a temporary folder, from a command line with `--out` and `--small`.

    Each process computes on one thread, so that two processes have twice what one has.
    """
    parser = script_parser(doc)
    parser.add_argument("--out", type=Path, help="a folder for the figures, as JSON")
    parser.add_argument("--small", action="store_true", help="only show that all of it works")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # in every process, as torchrun would set it for several
    with tempfile.TemporaryDirectory() as home:
        figures = measure(Path(home), arguments.small)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        path = arguments.out / f"{measure.__name__}.json"
        path.write_text(json.dumps(figures, indent=1) + "\n")
