"""`convlens why`: which parts of the case can be made for what was given, and making them."""

import json
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConvlensError, UsageError, require
from ..files import given_path, read_json, saying_where, sound_record, write_whole
from ..network.named import describe_network, line_of, usual_size
from ..network.spec import PREFIX, Architecture, Network
from ..options import check_named
from . import arithmetic, sharing, sparsity
from .section import MINUTES, SECTIONS, Case, Section, joined

if TYPE_CHECKING:
    from ..progress import Progress
    from .experiments.experiments import Experiments


def why(
    subject: str | Path | None = None,
    pictures: str | Path | None = None,
    *,
    section: str | None = None,
    out: str | Path | None = None,
    size: int | None = None,
    minutes: float = MINUTES,
    seed: int = 0,
    beside: str | Path | None = None,
    progress: "Progress" = lambda *_: None,
) -> Case:
    """The case for convolutions: the lecture's figures, and those of a network or a detector.

    Args:
        subject: A network (a line, a name or `timm:NAME`), or a run's folder or detector file.
        pictures: Labelled pictures, as `train` takes them. A detector and pictures together give
            every section.
        section: The only section to make, one of `SECTIONS`. By default every section is made for
            which enough was given.
        out: The folder for the page and for finished measurements, so that a `why` that was
            stopped goes on. By default it is `why/NAME` where there is something to measure.
        size: Side length in pixels of the network's pictures, by default its usual one.
        minutes: About how long the experiments take.
        seed: Decides the splits, first parameters and draws of the experiments; where they are
            repeated, the first of several seeds.
        beside: Another run's folder, or its detector file: how much its layers resemble those of
            the subject, a run too, is part of `sharing`.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The sections, each with its claims, verdicts, tables and figures.

    Raises:
        UsageError: The section does not exist, or cannot be made from what was given.
        ConvlensError: The subject or the pictures cannot be read.

    Examples:
        >>> import convlens
        >>> case = convlens.why("conv 6 5x5, pool 2, dense 10", size=32, section="arithmetic")
        >>> case.sections[0].claims[0].verdict
        'holds'
    """
    if section is not None and section not in SECTIONS:
        raise UsageError(f"--section {section}: it can be {', '.join(SECTIONS)}")
    check_named(size=size, seed=seed)
    run, other = _run_folder(subject), _run_folder(beside)
    if beside is not None and other is None:
        raise UsageError(f"--beside {beside}: it is no run's folder")
    if beside is not None and (run is None or pictures is None):
        raise UsageError("--beside compares two runs: give one, 'why RUN --pictures PICTURES', too")
    architecture = _architecture(subject, run, size=size)
    experiments, folder = None, given_path(out) if out else None
    if pictures is not None or run is not None:
        require("torch", "train", what="the experiments of why")
        from .experiments.experiments import Experiments

        folder = folder or Path("why") / _name(pictures or subject)
        experiments = Experiments(
            architecture,
            run,
            pictures=pictures,
            folder=folder,
            minutes=minutes,
            seed=seed,
            progress=progress,
            beside=other,
        )
    if folder is not None:
        require("jinja2", "train", what="the page of why")
    if section is not None:
        sections = [_section(section, architecture, experiments=experiments, alone=True)]
    else:
        sections = [_section(key, architecture, experiments=experiments) for key in SECTIONS]
    case = Case(
        "Why convolutions?" + (f" {Path(pictures).name}" if pictures is not None else ""),
        _command(subject, pictures, size=size, seed=seed, beside=beside),
        sections=[section for section in sections if section is not None],
        folder=folder,
    )
    if folder is not None:
        _write(case, folder)
    return case


def _command(
    subject: str | Path | None,
    pictures: str | Path | None,
    *,
    size: int | None,
    seed: int,
    beside: str | Path | None,
) -> str:
    """The command that makes the case again."""
    words = ["convlens", "why"]
    words += [str(subject)] if subject is not None else []
    words += ["--pictures", str(pictures)] if pictures is not None else []
    words += ["--size", str(size)] if size else []
    words += ["--seed", str(seed)] if seed else []
    words += ["--beside", str(beside)] if beside is not None else []
    return shlex.join(words)


def _section(
    key: str,
    architecture: Architecture | None,
    *,
    experiments: "Experiments | None",
    alone: bool = False,
) -> Section | None:
    """One section, of as many parts as what was given allows; None where nothing can be said.

    Where it is asked for `alone`, it raises `UsageError` instead.
    """
    parts: list[Section] = []
    network = architecture if isinstance(architecture, Network) else None
    has_torch = find_spec("torch") is not None
    if key == "arithmetic":
        parts.append(arithmetic.section(architecture))
    elif key == "sharing":
        parts.append(sharing.section())
    elif key == "sparsity" and (architecture is not None or alone or experiments):
        parts.append(sparsity.section(network))
        if network is not None and has_torch:
            from .experiments.dependence.section import section as dependence_section

            parts.append(dependence_section(network))
    if experiments is not None:
        parts += experiments.sections(key)
    elif key == "translation" and network is not None and has_torch:
        from .experiments.translation.measure import measure
        from .experiments.translation.section import section as translation_section

        parts.append(translation_section(measure(None, network)))
    if not parts and alone:
        raise UsageError(f"--section {key} is measured on pictures: give --pictures PICTURES")
    return joined(*parts) if parts else None


def _run_folder(subject: str | Path | None) -> Path | None:
    """The run folder that a path names, itself or by its detector."""
    if subject is None:
        return None
    path = given_path(subject)
    if path.suffix == ".onnx" or path.is_dir():
        folder = path if path.is_dir() else path.parent
        if not (folder / "run.json").exists():
            raise ConvlensError(
                f"{folder} is not a run's folder: why needs run.json and parameters.safetensors "
                "beside the detector, as train leaves them"
            )
        record = read_json(folder / "run.json")
        if record.get("task", "classification") != "classification":
            raise UsageError(f"{folder} learnt boxes, and why is for pictures of one class each")
        return folder
    return None


def _architecture(
    subject: str | Path | None, run: Path | None, *, size: int | None
) -> Architecture | None:
    if run is not None:
        record = read_json(run / "run.json")
        with sound_record(run / "run.json"):
            chosen = record["network"]
            return describe_network(
                chosen["network"], chosen["size"], classes=len(record["classes"])
            )
    if subject is None:
        return None
    line = line_of(str(subject), size or 64, pictures=2000)
    return describe_network(str(subject), size or usual_size(line) or _fitting(line))


def _fitting(line: str) -> int:
    return 224 if line.startswith(PREFIX) else 32


def _name(path: str | Path | None) -> str:
    return Path(str(path)).absolute().stem or "case"


def _write(case: Case, folder: Path) -> None:
    from .page import render

    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "why.json", json.dumps(case.as_json(), indent=1, default=str) + "\n")
    write_whole(folder / "why.html", render(case))
