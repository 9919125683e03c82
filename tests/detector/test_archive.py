"""Predicting over an archive of shards, in parts, by several processes."""

import csv
from pathlib import Path
from typing import Any

import pytest

from convlens import Detector, predict_shards
from convlens.cli import main
from convlens.errors import ConvlensError
from convlens.pictures.shards.write import Sharded


def test_parts_of_an_archive_do_not_overlap(
    written: Sharded, run: Path, shapes: Path, tmp_path: Path, capsys: Any
) -> None:
    detector = Detector(run)
    whole = [answer.name for answer in detector.predict_many(written.folder)]
    assert len(whole) == len(set(whole)) == 160
    parts = [
        [
            answer.name
            for answer in detector.predict_many([written.folder, shapes / "disc"], share=(k, 3))
        ]
        for k in range(3)
    ]
    assert all(parts)
    every = [name for part in parts for name in part]
    assert len(every) == len(set(every)) == 160 + 81
    # one is stopped by a damaged shard; two others go on and come to the end
    broken = tmp_path / "shards"
    broken.mkdir()
    for file in written.folder.glob("*.tar"):
        (broken / file.name).write_bytes(file.read_bytes())
    third = sorted(broken.iterdir())[2]
    whole_bytes = third.read_bytes()
    third.write_bytes(whole_bytes[: len(whole_bytes) // 2])
    out = tmp_path / "answers"
    words = ["predict", str(run), str(broken), "--out", str(out)]
    assert main(words) == 1
    assert "is no readable .tar at byte" in capsys.readouterr().err
    assert len(list(out.glob("*.csv"))) == 2
    third.write_bytes(whole_bytes)
    assert main([*words, "--share", "2/2"]) == 0
    assert "1 were there already" in capsys.readouterr().out
    assert main([*words, "--share", "1/2"]) == 0
    rows = [row for file in out.glob("*.csv") for row in csv.DictReader(file.open())]
    names = [row["name"].rsplit("/", 1)[1] for row in rows]
    assert sorted(names) == sorted(name.rsplit("/", 1)[1] for name in whole)
    answers = {a.name.rsplit("/", 1)[1]: a for a in detector.predict_many(written.folder)}
    for name, row in zip(names, rows, strict=True):
        assert float(row["probability"]) == answers[name].probability
    done = predict_shards(detector, broken, out=out)
    assert (done.shards, done.earlier, done.pictures) == (0, len(written.shards), 0)
    (out / "archive.json").write_text('{"detector": "another"}')
    with pytest.raises(ConvlensError, match="answers of another detector"):
        predict_shards(detector, broken, out=out)


def test_wrong_parts_say_what_is_right(
    run: Path, shapes: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["predict", str(run), str(shapes / "disc")]
    for more, says in (
        (["--share", "0/2"], "K can be 1 to 2"),
        (["--share", "half"], "it takes K/N"),
        (["--out", "x"], "--out takes shards"),
        (["--out", "x", "--json"], "give none of --json, --coco, --top and --why"),
        (["--share", "1/2", "--isolate"], "--isolate goes with none of"),
    ):
        assert main([*words, *more]) == 2
        assert says in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(words) == 2
    assert "several processes would print into one output" in capsys.readouterr().err
