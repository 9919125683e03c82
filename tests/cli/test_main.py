"""The command line as a whole: help, exit status, start-up, and how it ends."""

import fcntl
import shlex
import signal
import subprocess
import sys
import termios
import time
from array import array
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from convlens import train
from convlens.cli import COMMANDS
from convlens.errors import ConvlensError, require
from convlens.options import STAGES
from helpers import SMALL, Convlens, assert_clear, draw, flags, save_class


def test_misuse_is_status_2_and_failure_1(
    convlens: Convlens, tmp_path: Path, shapes: Path, run: Path
) -> None:
    assert_clear(convlens("networks", "cnv 3"), 2, "convlens: error: network: there is no layer")
    assert_clear(convlens("train"), 2, "train takes pictures")
    assert_clear(convlens("train", shapes, "--epochs", "many"), 2, "invalid int value")
    assert_clear(convlens("train", shapes, "--out", run), 2, "--resume")
    assert_clear(convlens("train", shapes, "--network", "conv 3"), 2, "in 'conv 3'")
    assert_clear(convlens("train", shapes, "--batch", "few", *flags(size=16)), 2, "--batch few")
    assert_clear(convlens("train", tmp_path / "none"), 1, "there is no")
    assert_clear(convlens("predict", tmp_path / "none.onnx", "x.png"), 1, "cannot read")
    assert_clear(convlens("train", "--resume", tmp_path), 1, "has no run.json")
    save_class(tmp_path / "p" / "only", "disc", 3)
    assert_clear(convlens("train", tmp_path / "p"), 1, "one class only: 'only' (3)")
    (tmp_path / "q" / "a").mkdir(parents=True)
    (tmp_path / "q" / "b").mkdir()
    for kind in "ab":
        (tmp_path / "q" / kind / "x.jpg").write_text("no picture")
    assert_clear(convlens("train", tmp_path / "q"), 1, "none of the 2 files")


def test_import_and_predict_load_no_torch(run: Path) -> None:
    code = (
        "import sys, convlens, convlens.cli\n"
        "heavy = {'torch', 'numpy', 'onnxruntime', 'rich', 'PIL', 'timm', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert convlens.cli.main(['predict', sys.argv[1], sys.argv[2]]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    Image.fromarray(draw("disc", 1)).save(run.parent / "one.png")
    command = [sys.executable, "-c", code, str(run), str(run.parent / "one.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "late"),
    [
        (
            "convlens.training.train",
            {"timm", "torchvision", "torch._dynamo", "onnxscript", "triton", "sklearn", "scipy"}
            | {"pandas", "cleanlab", "matplotlib", "jinja2", "pyarrow"},
        ),
        ("convlens.inspection.inspect", {"torch", "scipy", "sklearn", "pandas"}),
        ("convlens.serving.app", {"torch", "scipy", "sklearn", "pandas", "matplotlib"}),
        ("convlens.serving.style_app", {"torch", "scipy", "sklearn", "pandas", "matplotlib"}),
        ("convlens.painting.paint", {"torch", "scipy", "sklearn", "pandas", "matplotlib"}),
    ],
)
def test_what_only_some_runs_need_is_imported_late(module: str, late: set[str]) -> None:
    brings = "import sys; before = set(sys.modules); import {}; print(*(set(sys.modules) - before))"
    code = "import torch; " if "torch" not in late else ""  # what torch itself brings is torch's
    command = [sys.executable, "-c", code + brings.format(module)]
    brought = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert module in brought
    assert not late & set(brought)


NAMES = [name for group in COMMANDS.values() for name in group]


@pytest.mark.parametrize("command", ["", *NAMES])
def test_help_has_examples_and_fits_the_terminal(
    convlens: Convlens, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = convlens(*command.split(), "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "TEXT" not in done.stdout
    for line in done.stdout.splitlines():
        assert len(line) <= 80, line
    assert len(done.stdout.splitlines()) < 60


def test_help_lists_every_command_and_help_all_every_option(convlens: Convlens) -> None:
    listed = convlens("--help").stdout
    for name in NAMES:
        assert f"\n  {name} " in listed
    common, everything = convlens("train", "--help").stdout, convlens("train", "--help-all").stdout
    for stage in STAGES.values():
        for option in fields(stage):
            flag = f"\n  --{option.name.replace('_', '-')} "
            assert flag in everything
            assert (flag in common) == option.metadata["basic"]


def test_quiet_leaves_the_results(convlens: Convlens, run: Path, shapes: Path) -> None:
    loud = convlens("find", run, shapes / "disc" / "001.png")
    quiet = convlens("find", run, shapes / "disc" / "001.png", "--quiet")
    assert "no class 'background'" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout
    assert_clear(convlens("evaluate", run, "no-pictures", "--quiet"), 1, "there is no")


@pytest.mark.trains
def test_warnings_are_heard_though_all_else_is_quiet(
    convlens: Convlens, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / "p" / "train" / kind, kind, 12)
    save_class(tmp_path / "p" / "val" / "discs", "disc", 4, 50)
    options = {**SMALL, "network": "gap", "steps": 1}
    quiet = convlens("train", tmp_path / "p", "--out", tmp_path / "r", "--quiet", *flags(**options))
    warning = "class 'discs' (is it 'disc'?) has no training picture"
    assert quiet.returncode == 0
    assert all(line.startswith("note: ") for line in quiet.stderr.splitlines())
    assert f"note: {warning}" in quiet.stderr
    train(tmp_path / "p", tmp_path / "s", **options)
    assert any(str(one.message).startswith(warning) for one in recwarn)


LONG = "x" * 300
"""A name that no file can have."""


@pytest.mark.parametrize(
    "words",
    [
        *(["predict", LONG, "x.png"], ["evaluate", LONG, "p"], ["serve", LONG], ["why", LONG]),
        *(["compare", "RUN", LONG], ["train", "--resume", LONG], ["train", LONG]),
        *(["train", "PICTURES", "--out", LONG], ["shard", "PICTURES", "--out", LONG]),
        *(
            ["find", "RUN", "PICTURE", "--out", LONG],
            ["train", "PICTURES", "--out", "RUN/run.json"],
        ),
    ],
)
def test_a_path_that_cannot_be_is_a_clear_error_of_every_command(
    convlens: Convlens, run: Path, shapes: Path, words: list[str]
) -> None:
    given = {"PICTURES": str(shapes), "PICTURE": str(shapes / "disc" / "001.png")}
    done = convlens(*(given.get(word, word.replace("RUN", str(run))) for word in words))
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert "too long" in done.stderr or "it is a file" in done.stderr


@pytest.mark.parametrize("command", ["train", "shard", "predict", "find"])
def test_an_empty_out_is_not_the_working_folder(
    convlens: Convlens, run: Path, shapes: Path, command: str
) -> None:
    words = [run, shapes / "disc"] if command in {"predict", "find"} else [shapes]
    assert_clear(convlens(command, *words, "--out", ""), 2, "a path is empty")


def test_a_drawing_of_a_picture_with_the_longest_name(
    convlens: Convlens, run: Path, shapes: Path, tmp_path: Path
) -> None:
    path = tmp_path / ("é" * 125 + ".png")
    path.write_bytes((shapes / "disc" / "001.png").read_bytes())
    assert_clear(convlens("find", run, path, "--out", tmp_path / "found", "--quiet"), 0, "")
    (drawn,) = (tmp_path / "found").iterdir()
    assert drawn.name.startswith("é" * 50)
    assert drawn.name.endswith("-found.jpg")


def test_a_reader_that_stops_early_is_no_error(run: Path, shapes: Path) -> None:
    command = f"{sys.executable} -m convlens predict {run} {shapes} {shapes} {shapes} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_work_goes_on_when_nobody_reads_its_progress(tmp_path: Path) -> None:
    work = (
        "from pathlib import Path; from convlens.cli.progress import Bars\n"
        "with Bars() as bars:\n"
        "    for number in range(5000): bars.say('x' * 200)\n"
        f"Path({str(tmp_path / 'done')!r}).touch()"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(work)} 2>&1 | head -1"
    subprocess.run(command, shell=True, capture_output=True, check=True)  # noqa: S602
    assert (tmp_path / "done").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_of_where_there_is_no_name() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "convlens", "networks", "lecture"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot write the output: No space left" in done.stderr


def test_a_missing_library_is_named() -> None:
    with pytest.raises(
        ConvlensError, match=r"needs no_such_thing.*pip install 'convlens\[extra\]'"
    ):
        require("no_such_thing", "extra", what="this")


def test_ctrl_c_is_status_130(run: Path) -> None:
    command = [sys.executable, "-m", "convlens", "predict", str(run), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"name.png\n" * 50_000)  # more than a pipe holds
        process.stdin.flush()
        left = array("i", [1])
        while left[0]:  # until it has read them all, and waits for more
            time.sleep(0.5)
            fcntl.ioctl(process.stdin, termios.FIONREAD, left)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b"convlens: stopped\n"
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("shard", "{}", "--out", "o", "--seed", "-1"), "--seed -1: it can be 0 to"),
        (("inspect", "{}", "--labels", "--seed", "-1"), "--seed -1: it can be 0 to"),
        (("inspect", "{}", "--size", "-5"), "--size -5: it can be 8 to 4096"),
        (("inspect", "{}", "--size", "0"), "--size 0: it can be 8 to 4096"),
        (("inspect", "{}", "--minutes", "5"), "--minutes is for --labels"),
        (("bench", "--threads", "-1"), "--threads -1: it can be 1 to 1024"),
        (("bench", "--batch", "0"), "they can be 1 or more"),
        (("why", "--size", "-3"), "--size -3: it can be 8 to 4096"),
        (("train", "{}", "--weights", "none", "--milliseconds", "1"), "is for pretrained"),
        (("train", "{}", "--preset", "quick", "--prefer", "speed"), "is for pretrained"),
        (("train", "{}", "--temperature", "4"), "--temperature: it is that of a --teacher's"),
        (("train", "{}", "--momentum", "0.5"), "--momentum: it is that of --optimizer momentum"),
    ],
)
def test_what_would_say_nothing_or_cannot_be_is_refused(
    convlens: Convlens, shapes: Path, words: tuple[str, ...], says: str
) -> None:
    assert_clear(convlens(*(word.format(shapes) for word in words)), 2, says)
