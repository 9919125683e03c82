"""`convlens export`: a detector in another form, proven, and what that costs or gains."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any

from ...detector.detector import Detector
from ...detector.evaluate import evaluate_catalog
from ...detector.integrity import unseal
from ...detector.sessions.input_form import InputForm
from ...detector.sessions.open import DETECTOR
from ...detector.sessions.sealed import write_sealed
from ...detector.sessions.session import CLASS_MAPS
from ...errors import ConvlensError, PictureError, UsageError, require
from ...evaluation.answers import predictions_csv
from ...evaluation.compare import decoded, mcnemar, milliseconds
from ...files import read_json, saying_where, write_whole
from ...pictures.catalog import Catalog
from ...pictures.decode import RGB, decode
from ...pictures.read import read_catalog
from ...pictures.shards.read import streamed
from ...pictures.source import Source
from ...progress import Progress
from .page import readme
from .proof import Proof, prove

FORMS = {
    "edge": "no resize inside: pictures of one size, for phones and small runtimes",
    "openvino": "OpenVINO's files, for pictures of any size",
    "float16": "weights in half the bytes; the same arithmetic",
    "int8": "whole numbers, for processors with VNNI",
}
"""What `--to` takes."""
EXACT = ("edge", "openvino")
"""Forms that compute what the detector's file computes."""
ALLOWED = 0.005
"""Share of held-out pictures by which another form may answer fewer rightly; one in any case."""
BATCHES, DTYPES, LAYOUTS = ("1", "N"), ("uint8", "float32"), ("NHWC", "NCHW")


@dataclass(frozen=True)
class Measured:
    """A detector on the pictures that decide."""

    accuracy: float
    megabytes: float
    milliseconds: float | None
    """The median for one picture on one core."""


@dataclass(frozen=True)
class Exported:
    """What was written, its proof, and the detector before and after.

    `split` says which pictures decide: those held out, `test`, or else `val` or `all`.
    `only_before` and `only_after` count those that only one of both gets right; `p` is McNemar's
    exact test.
    """

    folder: str
    form: str
    _: KW_ONLY
    runtime: str
    proof: Proof
    split: str
    pictures: int
    before: Measured
    after: Measured
    only_before: int
    only_after: int
    p: float

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)


def export_detector(
    run: str | Path,
    *,
    to: str,
    out: str | Path,
    batch: str = "1",
    dtype: str = "uint8",
    layout: str = "NHWC",
    mirror: bool = True,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Write a run's detector in another form, once that answers as the detector does.

    Args:
        run: The folder of a finished run whose pictures are still there.
        to: `edge`, `openvino`, `float16` or `int8`.
        out: A folder to write; `Detector`, and each command that takes one, takes it.
        batch: Of `edge`: `1`, or `N` for any number of pictures at once.
        dtype: Of `edge`: `uint8`, or `float32` for the same numbers, 0 to 255.
        layout: Of `edge`: `NHWC` or `NCHW`.
        mirror: Of `edge`: also look at the mirror image, where the detector does.
        progress: Is told how far the proof is.

    Returns:
        The proof, and accuracy, size and speed before and after.

    Raises:
        ConvlensError: The form answers otherwise, so it is not written, or a package is missing.
        UsageError: `out` is in use, or an option is not the form's.

    Examples:
        >>> from convlens import export_detector
        >>> exported = export_detector("runs/pictures", to="float16", out="pictures-float16")
        >>> exported.after.megabytes < exported.before.megabytes
        True
    """
    run, out = Path(run), Path(out)
    _check(to, out, edge_options=(batch, dtype, layout, mirror))
    require("onnx", "train", what="export")
    if to == "openvino":
        require("openvino", "openvino", what="--to openvino")
    original = Detector(run)
    catalog = read_catalog(run / "manifest.csv")
    split = next((name for name in ("test", "val") if name in catalog.splits), "all")
    rows = [row for row, name in enumerate(catalog.splits) if split in {"all", name}]
    held_out = catalog.take(rows)
    form = InputForm(int(original.metadata["size"]), batch=batch, dtype=dtype, layout=layout)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with saying_where(partial, "make"):
            partial.mkdir(parents=True)
        _write(partial, original, to=to, form=form, mirror=mirror, catalog=catalog)
        after = Detector(partial)
        proof = prove(
            original,
            after,
            held_out.sources,
            exact=to in EXACT,
            mirror=mirror,
            progress=progress,
        )
        exported = _compare(
            (original, after), held_out, to=to, split=split, proof=proof, out=out, folder=partial
        )
        _keep_record(run, partial, exported)
        with saying_where(out, "write"):
            partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return exported


def _check(to: str, out: Path, *, edge_options: tuple[str, str, str, bool]) -> None:
    """Raise `UsageError` at what cannot be."""
    if to not in FORMS:
        raise UsageError(f"--to {to}: it can be {', '.join(FORMS)}")
    batch, dtype, layout, _ = edge_options
    for option, value, known in (
        ("batch", batch, BATCHES),
        ("input", dtype, DTYPES),
        ("layout", layout, LAYOUTS),
    ):
        if value not in known:
            raise UsageError(f"--{option} {value}: it can be {' or '.join(known)}")
    if to != "edge" and edge_options != ("1", "uint8", "NHWC", True):
        raise UsageError("--batch, --input, --layout and --no-mirror go with --to edge")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: it exists; name another")


def _write(
    folder: Path,
    original: Detector,
    *,
    to: str,
    form: InputForm,
    mirror: bool,
    catalog: Catalog,
) -> None:
    """The form's files, the labels, and the page that tells how to use them."""
    import onnx

    from ..metadata import with_metadata

    assert original.path is not None  # noqa: S101
    model = onnx.load_from_string(bytes(unseal(original.path.read_bytes())))
    for entry in [one for one in model.metadata_props if one.key == CLASS_MAPS]:
        model.metadata_props.remove(entry)  # it names tensors that the form may not have
    metadata = {"form": to}
    if to == "openvino":
        from .openvino import openvino

        files = openvino(model, form.side)
        gone = {"slides", CLASS_MAPS, "sha256"}
        kept = {name: text for name, text in original.metadata.items() if name not in gone}
        write_sealed(folder, to, kept | metadata, files=files)
    else:
        if to == "edge":
            from .edge import edge

            model = edge(model, form, mirror=mirror)
            metadata["input"] = form.as_json()
        elif to == "float16":
            from .float16 import float16

            model = float16(model)
        else:
            from .int8 import CALIBRATION, int8

            learnt = [
                source
                for source, name in zip(catalog.sources, catalog.splits, strict=True)
                if name not in {"val", "test"}
            ]
            step = max(1, len(learnt) // CALIBRATION)
            model = int8(model, _pictures(learnt[::step][:CALIBRATION]))
        write_whole(folder / DETECTOR, with_metadata(model, metadata))
    labels = json.dumps(list(original.labels), ensure_ascii=False, indent=2) + "\n"
    write_whole(folder / "labels.json", labels)
    write_whole(folder / "README.md", readme(to, form, original))


def _pictures(sources: Iterable[Source]) -> Iterator[RGB]:
    """Those that can be read."""
    for source in streamed(sources):
        try:
            yield decode(source.read())
        except PictureError:
            continue


def _compare(
    detectors: tuple[Detector, Detector],
    catalog: Catalog,
    *,
    to: str,
    split: str,
    proof: Proof,
    out: Path,
    folder: Path,
) -> Exported:
    """Accuracy, size and speed of both. Raises `ConvlensError` where the form lost too much."""
    speeds = milliseconds(detectors, decoded(catalog.sources), progress=lambda *_: None)
    right, measured = [], []
    for detector, speed in zip(detectors, speeds, strict=True):
        evaluation = evaluate_catalog(detector, catalog, progress=lambda *_: None)
        right.append([answer.predicted == label for label, answer in evaluation.answers])
        measured.append(Measured(sum(right[-1]) / len(right[-1]), detector.size / 1e6, speed))
    pairs = list(zip(*right, strict=True))
    only_before, only_after = pairs.count((True, False)), pairs.count((False, True))
    if only_before - only_after > max(1, ALLOWED * len(pairs)):
        raise ConvlensError(
            f"--to {to}: the form is right on {only_before - only_after} of {len(pairs):,} "
            f"{split} pictures fewer, more than the {ALLOWED:.1%} that are allowed, so it is not "
            "written"
        )
    if split == "test":
        answers = predictions_csv(detectors[1].task, detectors[1].labels, evaluation.answers)
        write_whole(folder / "predictions.csv", answers)
    return Exported(
        str(out),
        to,
        runtime=detectors[1].runtime,
        proof=proof,
        split=split,
        pictures=len(pairs),
        before=measured[0],
        after=measured[1],
        only_before=only_before,
        only_after=only_after,
        p=mcnemar(only_before, only_after),
    )


def _keep_record(run: Path, folder: Path, exported: Exported) -> None:
    """What `compare` reads of a run, and how the form was proven."""
    metrics = {
        "training": read_json(run / "metrics.json").get("training"),
        "export": exported.as_json(),
    }
    write_whole(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    with saying_where(run / "manifest.csv", "read"):
        write_whole(folder / "manifest.csv", (run / "manifest.csv").read_bytes())
