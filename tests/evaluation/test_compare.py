"""`compare`: a paired test on the same held-out pictures, against SciPy's."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from convlens import compare, train
from convlens.cli import main
from convlens.errors import ConvlensError, UsageError
from convlens.tasks.intervals import mcnemar
from helpers import SMALL


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(a: int, b: int) -> None:
    wanted = binomtest(a, a + b).pvalue if a + b else 1.0
    assert mcnemar(a, b) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


@pytest.fixture(scope="module")
def untrained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that hardly learnt anything, with the same held-out pictures as `run`."""
    folder = tmp_path_factory.mktemp("runs") / "untrained"
    train(shapes, folder, steps=1, **SMALL)
    return folder


def test_the_better_run_comes_first(
    run: Path, untrained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare([untrained, run])
    first, last = found.contenders
    assert (first.run, last.run) == (str(run), str(untrained))
    assert found.pictures == json.loads((run / "metrics.json").read_text())["test"]["n"]
    for one in found.contenders:
        metrics = json.loads((Path(one.run) / "metrics.json").read_text())
        assert one.accuracy == metrics["test"]["accuracy"]
        assert one.accuracy_interval == pytest.approx(metrics["test"]["accuracy_interval"])
        assert one.milliseconds is not None
        assert one.milliseconds > 0
    wins = round((first.accuracy - last.accuracy) * found.pictures)
    assert last.only_best - last.only_this == wins
    assert last.p == mcnemar(last.only_this, last.only_best)
    assert first.p is None
    assert main(["compare", str(untrained), str(run)]) == 0
    assert f"is less accurate than {run}" in capsys.readouterr().out


def test_a_run_cannot_be_told_from_itself(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(run), str(run)]) == 0
    assert "cannot be told from" in capsys.readouterr().out


def test_runs_without_a_shared_picture_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two runs or more"):
        compare([run])
    with pytest.raises(UsageError, match="two runs or more"):
        compare("one-run")
    with pytest.raises(ConvlensError, match=r"no predictions\.csv"):
        compare([run, tmp_path])
    (tmp_path / "manifest.csv").write_text("path,hash,label,split,group\n/x.png,00,disc,test,\n")
    (tmp_path / "predictions.csv").write_text("name,label,predicted\n/x.png,disc,disc\n")
    with pytest.raises(ConvlensError, match="no picture in common"):
        compare([run, tmp_path])


def test_runs_are_compared_from_any_folder(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shapes.parent)
    for name in ("one", "two"):
        train(shapes.name, tmp_path / name, steps=1, **SMALL)
    monkeypatch.chdir(tmp_path)
    found = compare(["one", "two"])
    assert found.pictures == json.loads(Path("one/metrics.json").read_text())["test"]["n"]
    assert all(contender.milliseconds for contender in found.contenders)


def test_one_label_counts_for_all_where_runs_have_others(run: Path, tmp_path: Path) -> None:
    """As where labels were corrected between two trainings."""
    other = shutil.copytree(run, tmp_path / "other")
    rows = (other / "predictions.csv").read_text().splitlines()
    column = rows[0].split(",").index("label")
    for number in range(1, 6):
        cells = rows[number].split(",")
        cells[column] = {"disc": "cross", "cross": "disc"}[cells[column]]
        rows[number] = ",".join(cells)
    (other / "predictions.csv").write_text("\n".join(rows) + "\n")
    found = compare([run, other])
    assert found.relabelled == 5
    assert found.contenders[0].accuracy == found.contenders[1].accuracy
    assert "5 of them are labelled otherwise" in found.summary()[1]
    assert compare([run, run]).relabelled == 0


def test_the_time_is_that_of_the_whole_run(run: Path) -> None:
    seconds = json.loads((run / "metrics.json").read_text())["seconds"]
    assert compare([run, run]).contenders[0].train_seconds == sum(seconds.values())
