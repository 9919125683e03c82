"""A detector's file or folder, in whichever form, as a session."""

from pathlib import Path

from ...errors import ConvlensError
from ...files import given_path, saying_where
from .litert import LiteRtSession
from .onnx_runtime import OnnxSession
from .openvino import OpenVinoSession
from .sealed import RECORD, read_sealed
from .session import Session

DETECTOR = "detector.onnx"
SEALED = {"openvino": OpenVinoSession, "tflite": LiteRtSession}
"""Forms whose files have no room for metadata, and what runs them."""


def open_session(file: str | Path | bytes) -> Session:
    """A detector in its runtime.

    Args:
        file: A `detector.onnx`, the file's bytes, or the folder of a run or of an export.

    Raises:
        ConvlensError: It is no detector, was changed since it was written, or needs a runtime that
            is not installed.
    """
    if isinstance(file, bytes):
        return OnnxSession(file, name="the detector")
    path = given_path(file)
    if path.is_dir():
        path /= RECORD if (path / RECORD).exists() else DETECTOR
    elif path.suffix in {".xml", ".bin", ".tflite"}:
        path = path.with_name(RECORD)
    if path.name == RECORD:
        sealed = read_sealed(path)
        if sealed.form not in SEALED:
            raise ConvlensError(f"{path} is of the form {sealed.form}, which is none of convlens")
        session: Session = SEALED[sealed.form](sealed, name=str(path))
    else:
        with saying_where(path, "read"):
            data = path.read_bytes()
        session = OnnxSession(data, name=str(path))
    session.path = path
    return session
