"""What ONNX Runtime made of a detector is kept: the same answers, and nothing that can be lost."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from convlens import Detector
from convlens.detector.sessions import optimized

ALL = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
NONE = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """How far each session that is made optimises; every file is worth keeping."""
    made: list[object] = []
    whole = onnxruntime.InferenceSession

    def session(data: bytes, options: onnxruntime.SessionOptions, **others: object) -> object:
        made.append(options.graph_optimization_level)
        return whole(data, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(optimized, "LEAST", 0)
    monkeypatch.setenv("CONVLENS_CACHE", str(tmp_path / "cache"))
    return made


@pytest.fixture
def picture() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)


def kept_in(folder: Path) -> Iterator[Path]:
    return (folder / "cache" / "optimized").glob("*")


def test_the_second_opening_optimises_nothing_and_answers_alike(
    run: Path, tmp_path: Path, levels: list[object], picture: npt.NDArray[np.uint8]
) -> None:
    first, second = Detector(run), Detector(run)
    assert levels == [ALL, NONE]
    assert first.metadata == second.metadata
    answers = [np.array(detector.predict(picture).probabilities) for detector in (first, second)]
    assert answers[0].tobytes() == answers[1].tobytes()
    assert len(list(kept_in(tmp_path))) == 1


def test_what_is_damaged_is_made_again(run: Path, tmp_path: Path, levels: list[object]) -> None:
    Detector(run)
    (path,) = kept_in(tmp_path)
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    Detector(run)
    Detector(run)
    assert levels == [ALL, ALL, NONE]


def test_nothing_is_kept_where_nothing_can_be(
    run: Path, tmp_path: Path, levels: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert Detector(run).labels
    (tmp_path / "cache").unlink()
    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda: 1 / 0)
    assert Detector(run).labels
    assert not list(kept_in(tmp_path))
    assert levels == [ALL] * 2


def test_what_unfolds_is_not_kept(
    run: Path, tmp_path: Path, levels: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimized, "MOST", 0.5)
    assert Detector(run).labels
    assert levels == [ALL]
    assert not list(kept_in(tmp_path))


def test_those_used_last_are_kept(
    run: Path, tmp_path: Path, levels: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimized, "KEPT", 2)
    for number in range(4):
        monkeypatch.setattr(optimized, "_instructions", lambda number=number: f"processor {number}")
        Detector(run)
    assert len(list(kept_in(tmp_path))) == 2
    Detector(run)
    assert levels[-1] == NONE
