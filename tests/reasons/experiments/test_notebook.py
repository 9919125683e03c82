"""The notebook: what was measured is remembered, and what can be spared is left out in time."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from convlens.reasons.experiments.experiments import Experiments
from convlens.reasons.experiments.notebook import Notebook


@dataclass(frozen=True)
class Result:
    value: int
    series: list[float]


def notebook(folder: Path, data: str = "pictures", seconds: float = 60.0) -> Notebook:
    return Notebook(folder, data, progress=lambda *_: None, seconds=seconds)


class Made:
    """Makes results, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Result:
        self.times += 1
        return Result(self.times, [0.5, 1.0])


def test_a_result_is_made_once_for_one_key_and_data(tmp_path: Path) -> None:
    make = Made()
    first = notebook(tmp_path).recall("what", ["key", 1], read=Result, make=make)
    assert notebook(tmp_path).recall("what", ["key", 1], read=Result, make=make) == first
    assert make.times == 1
    notebook(tmp_path).recall("what", ["key", 2], read=Result, make=make)
    notebook(tmp_path, "others").recall("what", ["key", 1], read=Result, make=make)
    assert make.times == 3


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    make = Made()
    for damage in ("{", '{"other": 1}', "[1]"):
        notebook(tmp_path).recall("what", "key", read=Result, make=make)
        (file,) = tmp_path.iterdir()
        file.write_text(damage)
    assert notebook(tmp_path).recall("what", "key", read=Result, make=make).value == 4


def test_once_the_time_is_over_only_what_is_there_is_given(tmp_path: Path) -> None:
    make = Made()
    book = notebook(tmp_path, seconds=-1.0)
    assert book.recall_in_time("what", "key", read=Result, make=make) is None
    assert (book.left_out, make.times) == (1, 0)
    result = book.recall("what", "key", read=Result, make=make)
    assert book.recall_in_time("what", "key", read=Result, make=make) == result
    assert (book.left_out, make.times) == (1, 1)


def test_what_was_measured_on_fewer_pictures_is_measured_again(tmp_path: Path) -> None:
    """More minutes allow more pictures, where there are very many."""

    def paths(minutes: float, pictures: int) -> Path | None:
        experiments = Experiments(
            None, None, pictures="p", folder=tmp_path, minutes=minutes, seed=0, progress=print
        )
        experiments.__dict__["dataset"] = SimpleNamespace(
            fingerprint=lambda: "f", split=SimpleNamespace(rows=lambda _: list(range(pictures)))
        )
        return experiments._notebook(0.5)._path("what", "key")

    assert paths(20, 500) == paths(60, 500)
    assert paths(20, 12_000) != paths(60, 12_000)
