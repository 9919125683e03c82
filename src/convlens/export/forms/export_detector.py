"""`convlens export`: a detector in another form, proven, and what that costs or gains."""

import json
from base64 import b64decode
from itertools import chain
from pathlib import Path
from typing import Any

from ...detector.detector import Detector
from ...detector.integrity import unseal
from ...detector.sessions.input_form import InputForm
from ...detector.sessions.litert import FLATBUFFER
from ...detector.sessions.open import DETECTOR
from ...detector.sessions.sealed import write_sealed
from ...detector.sessions.session import CLASS_MAPS
from ...errors import ConvlensError, UsageError, require
from ...files import given_path, new_folder, write_whole
from ...pictures.canvas import Canvas
from ...pictures.readable import readable
from ...pictures.source import Source
from ...progress import Progress
from .browser import check_runtime, write_page
from .exported import Exported
from .page import readme
from .proof import prove
from .strangeness import PICTURES, with_same_strangeness
from .worth import compare_both, keep_record

FORMS = {
    "edge": "no resize inside: pictures of one size, for phones and small runtimes",
    "openvino": "OpenVINO's files, for pictures of any size",
    "float16": "weights in half the bytes; the same arithmetic",
    "int8": "whole numbers, for processors with VNNI",
    "tflite": "LiteRT's file, for pictures of one size",
    "browser": "a page for any web server, in which the detector runs",
}
"""What `--to` takes."""
EXACT = ("edge", "openvino", "tflite", "browser")
"""Forms that compute what the detector's file computes."""
NO_TFLITE = (
    "--to tflite is for detectors of classes: LiteRT has no operator that leaves out boxes which "
    "overlap; --to edge runs on phones in ONNX Runtime"
)
BATCHES, DTYPES, LAYOUTS = ("1", "N"), ("uint8", "float32"), ("NHWC", "NCHW")


def export_detector(
    run: str | Path,
    *,
    to: str,
    out: str | Path,
    batch: str = "1",
    dtype: str = "uint8",
    layout: str = "NHWC",
    mirror: bool = True,
    runtime: str | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Write a run's detector in another form, once that answers as the detector does.

    Args:
        run: The folder of a finished run whose pictures are still there; of an export to `float16`
            or `int8`, where `to` is `browser`.
        to: `edge`, `openvino`, `tflite`, `float16`, `int8` or `browser`.
        out: A folder to write; `Detector`, and each command that takes one, takes it.
        batch: Of `edge`: `1`, or `N` for any number of pictures at once.
        dtype: Of `edge`: `uint8`, or `float32` for the same numbers, 0 to 255.
        layout: Of `edge`: `NHWC` or `NCHW`.
        mirror: Of `edge`: also look at the mirror image, where the detector does.
        runtime: Of `browser`: the folder of the npm package onnxruntime-web, which is copied, or an
            address at which its files lie.
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
    run, out = given_path(run), given_path(out)
    _check(to, edge_options=(batch, dtype, layout, mirror), runtime=runtime)
    require("onnx", "train", what="export")
    original = Detector(run)
    boxes = isinstance(original.frame, Canvas)
    if boxes and not mirror:
        raise UsageError("--no-mirror is for detectors of one class for each picture")
    if boxes and to == "tflite":
        raise UsageError(NO_TFLITE)
    if to == "openvino":
        require("openvino", "openvino", what="--to openvino")
    if to == "tflite":
        require("litert_torch", "tflite", what="--to tflite")
    form_of_run = original.metadata.get("form")
    if form_of_run and (to != "browser" or form_of_run not in {"float16", "int8"}):
        raise UsageError(f"{run} is a detector as {form_of_run} already: give the run that made it")
    catalog = original.task.read(run / "manifest.csv")
    split = next((name for name in ("test", "val") if name in catalog.splits), "all")
    rows = [row for row, name in enumerate(catalog.splits) if split in {"all", name}]
    held_out = catalog.take(rows)
    form = InputForm(original.frame, batch=batch, dtype=dtype, layout=layout)
    with new_folder(out) as partial:
        if to == "browser":
            assert runtime is not None  # noqa: S101
            write_page(partial, original, runtime)
        else:
            _write(partial, original, to=to, form=form, mirror=mirror, catalog=catalog)
        labels = json.dumps(list(original.labels), ensure_ascii=False, indent=2) + "\n"
        write_whole(partial / "labels.json", labels)
        write_whole(partial / "README.md", readme(to, form, original))
        after = Detector(partial)
        proof = prove(
            original,
            after,
            held_out.sources,
            exact=to in EXACT,
            resizes=to == "openvino",
            mirror=mirror,
            progress=progress,
        )
        exported = compare_both(
            (original, after), held_out, to=to, split=split, proof=proof, out=out, folder=partial
        )
        keep_record(run, partial, exported)
    return exported


def _check(to: str, *, edge_options: tuple[str, str, str, bool], runtime: str | None) -> None:
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
    if to == "browser":
        check_runtime(runtime)
    elif runtime is not None:
        raise UsageError("--runtime goes with --to browser")


def _write(
    folder: Path,
    original: Detector,
    *,
    to: str,
    form: InputForm,
    mirror: bool,
    catalog: Any,
) -> None:
    """The form's files."""
    import onnx

    from ..metadata import with_metadata

    assert original.path is not None  # noqa: S101
    model = onnx.load_from_string(bytes(unseal(original.path.read_bytes())))
    for entry in [one for one in model.metadata_props if one.key == CLASS_MAPS]:
        model.metadata_props.remove(entry)  # it names tensors that a form may not have
    metadata = {"form": to}
    gone = {"slides", CLASS_MAPS, "sha256"}
    sealed = {name: text for name, text in original.metadata.items() if name not in gone}
    if to == "openvino":
        from .openvino import openvino

        write_sealed(folder, to, sealed | metadata, files=openvino(model, form.frame))
    elif to == "tflite":
        from .edge import edge
        from .tflite import tflite

        model = edge(model, form, mirror=True)
        metadata["input"] = form.as_json()
        metadata["outputs"] = ",".join(output.name for output in model.graph.output)
        write_sealed(folder, to, sealed | metadata, files={FLATBUFFER: tflite(model, form)})
    else:
        learnt = [
            source
            for source, name in zip(catalog.sources, catalog.splits, strict=True)
            if name not in {"val", "test"}
        ]
        if to == "edge":
            from .edge import edge

            model = edge(model, form, mirror=mirror)
            metadata["input"] = form.as_json()
        elif to == "float16":
            from .float16 import float16

            model = float16(model)
        else:
            from .int8 import CALIBRATION, int8

            calibrating = readable(_some(learnt, CALIBRATION))
            first = next(calibrating, None)
            if first is None:
                raise ConvlensError(
                    "none of the pictures that the detector learnt from can be read, and int8 "
                    "needs some of them: bring them back to where the run's manifest.csv has them"
                )
            model = int8(model, chain([first], calibrating))
        if to == "int8" or not mirror:
            model = with_same_strangeness(
                model, metadata, original=original, pictures=readable(_some(learnt, PICTURES))
            )
        data = with_metadata(model, metadata)
        part = original.metadata.get(CLASS_MAPS)
        if part and _holds(data, part):
            data = with_metadata(data, {CLASS_MAPS: part})
        write_whole(folder / DETECTOR, data)


def _holds(data: bytes, part: str) -> bool:
    """Whether a form still has what class maps are made of."""
    try:
        return bool(Detector(data).session.extended(b64decode(part)))
    except ConvlensError:
        return False


def _some(sources: list[Source], count: int) -> list[Source]:
    """So many at most, from all over."""
    return sources[:: max(1, len(sources) // count)][:count]
