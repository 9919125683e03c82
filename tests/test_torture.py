"""A short slice of `make torture`, which does the same at full count."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "torture"))
import faults
import fuzz
import good_files
import kills

pytestmark = pytest.mark.trains


def test_killed_runs_end_in_the_same_bytes() -> None:
    counts = kills.torture(2, seed=1, pictures=40, steps=40)
    assert counts["kills"] == 2
    assert counts["ends"] >= 1


def test_faults_end_in_clear_errors_and_nothing_is_lost() -> None:
    assert faults.torture(1, (faults.quota, faults.folder_gone, faults.nowhere, faults.memory)) == 4


@pytest.mark.parametrize(("kind", "count"), [("pictures", 150), ("tables", 100), ("shards", 60)])
def test_mutated_files_end_in_answers_or_clear_errors(
    kind: str, count: int, tmp_path: Path
) -> None:
    counts, failures = fuzz.torture(kind, count, 11, tmp_path)
    assert failures == []
    assert counts["read"] > 0
    assert counts["clear error"] > 0
    assert counts["read"] + counts["clear error"] == count
    assert counts["peak MB"] < fuzz.MEMORY / 2**20


def test_mutated_runs_end_in_answers_or_clear_errors(tmp_path: Path) -> None:
    good_files.prepare_run(tmp_path)
    for kind, count in (("detectors", 40), ("checkpoints", 20), ("runs", 20)):
        counts, failures = fuzz.torture(kind, count, 11, tmp_path)
        assert failures == []
        assert counts["read"] + counts["clear error"] == count
