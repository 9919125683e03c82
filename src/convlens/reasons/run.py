"""`convlens why`: which parts of the case can be made for what was given, and making them."""

import json
import shlex
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConvlensError, UsageError, require
from ..files import read_json, saying_where, sound_record, write_whole
from ..network.named import describe_network, line_of, usual_size
from ..network.spec import PREFIX, Architecture, Network
from . import arithmetic, sharing, sparsity
from .section import MINUTES, SECTIONS, Section, joined

if TYPE_CHECKING:
    from .experiments.bench import Bench

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Case:
    """The sections that were made, how to make them again, and where the page is, if anywhere."""

    title: str
    command: str
    _: KW_ONLY
    sections: list[Section]
    folder: Path | None

    def as_json(self) -> dict[str, object]:
        """Every number."""
        return {
            "title": self.title,
            "command": self.command,
            "sections": [one.as_json() for one in self.sections],
        }


def why(
    subject: str | Path | None = None,
    pictures: str | Path | None = None,
    *,
    section: str | None = None,
    out: str | Path | None = None,
    size: int | None = None,
    minutes: float = MINUTES,
    progress: Progress = lambda *_: None,
) -> Case:
    """The case for convolutions: the lecture's figures, and those of a network or a detector.

    `subject` is a network (a line, a name, `timm:NAME`) or a run's folder or detector file;
    `pictures` are as `train` takes them; both together give every section. `section` asks for one.
    Finished pieces are kept in `out` (`why/NAME` where pictures are given), so a stopped `why` goes
    on. `minutes` is about how long the experiments take. Raises `ConvlensError`.
    """
    if section is not None and section not in SECTIONS:
        raise UsageError(f"--section {section}: it can be {', '.join(SECTIONS)}")
    wanted = (section,) if section else SECTIONS
    run = _run_folder(subject)
    architecture = _architecture(subject, run, size=size)
    bench, folder = None, Path(out) if out else None
    if pictures is not None or run is not None:
        require("torch", "train", what="the experiments of why")
        from .experiments.bench import Bench

        folder = folder or Path("why") / _name(pictures or subject)
        bench = Bench(
            architecture, run, pictures=pictures, folder=folder, minutes=minutes, progress=progress
        )
    made = [
        found
        for key in wanted
        for found in [_section(key, architecture, bench=bench, alone=section is not None)]
        if found is not None
    ]
    title = "Why convolutions?" + (f" {Path(pictures).name}" if pictures is not None else "")
    given = [str(subject)] if subject is not None else []
    given += ["--pictures", str(pictures)] if pictures is not None else []
    given += ["--size", str(size)] if size else []
    case = Case(title, shlex.join(["convlens", "why", *given]), sections=made, folder=folder)
    if folder is not None:
        _write(case, folder)
    return case


def _section(
    key: str, architecture: Architecture | None, *, bench: "Bench | None", alone: bool
) -> Section | None:
    """One section, of as many parts as what was given allows; None where nothing can be said."""
    parts: list[Section] = []
    text = architecture if isinstance(architecture, Network) else None
    if key == "arithmetic":
        parts.append(arithmetic.section(architecture))
    elif key == "sharing":
        parts.append(sharing.section())
    elif key == "sparsity" and (architecture is not None or alone or bench):
        parts.append(sparsity.section(text))
        if text is not None and _has_torch():
            from .experiments import dependence

            parts.append(dependence.section(text))
    if bench is not None:
        parts += bench.sections(key)
    elif key == "translation" and text is not None and _has_torch():
        from .experiments import moving

        parts.append(moving.section(None, text))
    if not parts and alone:
        raise UsageError(f"--section {key} is measured on pictures: give --pictures PICTURES")
    return joined(*parts) if parts else None


def _has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


def _run_folder(subject: str | Path | None) -> Path | None:
    """The run folder that a path names, itself or by its detector."""
    if subject is None:
        return None
    path = Path(subject)
    if path.suffix == ".onnx" or path.is_dir():
        folder = path if path.is_dir() else path.parent
        if not (folder / "run.json").exists():
            raise ConvlensError(
                f"{folder} is not a run's folder: why needs run.json and parameters.safetensors "
                "beside the detector, as train leaves them"
            )
        return folder
    return None


def _architecture(
    subject: str | Path | None, run: Path | None, *, size: int | None
) -> Architecture | None:
    if run is not None:
        record = read_json(run / "run.json")
        with sound_record(run / "run.json"):
            chosen = record["chosen"]
            return describe_network(
                chosen["network"], chosen["size"], classes=len(record["classes"])
            )
    if subject is None:
        return None
    line = line_of(str(subject), size or 64, pictures=2000)
    return describe_network(str(subject), size or usual_size(line) or _fitting(line))


def _fitting(line: str) -> int:
    return 224 if line.startswith(PREFIX) else 32


def _name(given: str | Path | None) -> str:
    return Path(str(given)).absolute().stem or "case"


def _write(case: Case, folder: Path) -> None:
    from .page import render

    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "why.json", json.dumps(case.as_json(), indent=1, default=str) + "\n")
    write_whole(folder / "why.html", render(case))
