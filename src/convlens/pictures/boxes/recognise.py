"""In which form a data set has boxes, if it has any."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from ...errors import ConvlensError
from ...files import exists, given_path
from ..folder import folders_in, names_in
from ..shards.find import find_shards
from ..split_name import split_named
from ..tables.read import FEW
from .forms import coco, shards, table, voc, yolo
from .raw import RawSet
from .reading import WORDS, Reading, ask

FORMS: dict[str, ModuleType] = {"coco": coco, "yolo": yolo, "voc": voc, "table": table}
"""Each has `find`, what shows the form at a path, and `read`."""

Reader = Callable[[], RawSet]


def recognise(pictures: str | Path, reading: Reading) -> Reader | None:
    """How to read the boxes of a data set; None where it has none.

    Raises a `ConvlensError` that asks back where it has boxes in two forms, or has none of the kind
    that was asked for.
    """
    reader = _reader(pictures, reading)
    if reader is None and reading != Reading():
        raise ConvlensError(f"--boxes: {pictures} has no boxes in a form that is known")
    return reader


def _reader(pictures: str | Path, reading: Reading) -> Reader | None:
    found = find_shards(pictures)
    if found is not None:
        named = reading.form in {None, "shards"} and shards.has_boxes(found)
        return (lambda: shards.read(pictures, found)) if named else None
    path = given_path(pictures)
    if not exists(path):
        return None
    forms = {name: evidence for name, form in FORMS.items() if (evidence := form.find(path))}
    if reading.form is not None:
        if reading.form not in forms:
            raise ConvlensError(
                f"--boxes {reading.form}: {path} has no {WORDS['form'][reading.form]}"
                + (f", but {' and '.join(WORDS['form'][name] for name in forms)}" if forms else "")
            )
        forms = {reading.form: forms[reading.form]}
    if len(forms) > 1:
        where = "; ".join(
            f"{WORDS['form'][n]} ({_short(files, path)})" for n, files in forms.items()
        )
        raise ask(f"{path} has boxes in {len(forms)} forms: {where}", *forms)
    if forms:
        (name, evidence), *_ = forms.items()
        return lambda: read_form(name, path, evidence)
    inner = folders_in(path) if path.is_dir() and len(names_in(path)) < FEW else []
    wrapped = len(inner) == 1 and split_named(inner[0].name) is None
    return _reader(inner[0], reading) if wrapped else None


def read_form(name: str, path: Path, evidence: Sequence[Path]) -> RawSet:
    """Read a data set in the form of that name."""
    raw: RawSet = FORMS[name].read(path, evidence)
    return raw


def _short(files: Sequence[Path], path: Path) -> str:
    """The first of what shows a form, as it lies below the path."""
    first = files[0].relative_to(path) if files[0].is_relative_to(path) else files[0]
    return str(first) if first.parts else path.name
