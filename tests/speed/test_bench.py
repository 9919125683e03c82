"""How fast it is here: whole, consistent, and remembered."""

import json
import re
import time
from pathlib import Path

import pytest

from convlens import train
from convlens.cli import main
from convlens.engine.callbacks import NullCallback
from convlens.engine.compute.autotune import TuningCache, autotune
from convlens.engine.compute.execution import Execution
from convlens.errors import UsageError
from convlens.network.spec import network
from convlens.options import CPU_CONFIGS
from convlens.speed.bench import bench
from helpers import SMALL

pytestmark = pytest.mark.trains

LINE = "conv 4 3x3 same, norm, pool 2, conv 6 3x3, gap"


def test_every_stage_is_measured_and_layers_count_what_the_network_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [LINE, "--size", "16", "--classes", "3", "--batch", "32", "--compute", "float32-last"]
    assert main(["bench", *words, "--profile", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sum(told["stages"].values()) == pytest.approx(1)
    assert set(told["stages"]) == {"pixels", "forward", "backward", "optimizer", "averages"}
    assert all(share > 0 for share in told["stages"].values())
    assert list(told["training"]) == ["float32-last"]
    for rate in ("decode", "resize", "predict"):
        assert told[rate] > 0
    assert 0 < told["roofline_fraction"] < 1
    layers = told["layers"]
    assert sum(layer["share"] for layer in layers) == pytest.approx(1)
    group = 32
    spec = network(LINE, 16, classes=3)
    counted = sum(layer["multiplications"] for layer in layers)
    assert counted == group * spec.describe()["multiplications"]
    assert [layer["kind"] for layer in layers][:4] == ["Conv2d", "BatchNorm2d", "MaxPool2d", "ReLU"]


def test_it_is_told_in_words_with_pictures_of_ones_own(
    shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [LINE, "--size", "16", "--batch", "16", "--compute", "float32"]
    assert main(["bench", *words, "--pictures", str(shapes / "cross"), "--profile"]) == 0
    told = capsys.readouterr().out
    assert "GFLOP/s" in told
    assert "of what this machine's products allow" in told
    assert "MaxPool2d" in told


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"compute": "float16"}, "--compute float16"), ({"pictures": "nowhere"}, "nowhere")],
)
def test_what_cannot_be_measured_is_said(asked: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        bench(LINE, 16, **asked)  # type: ignore[arg-type]


class Heard(NullCallback):
    """What was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_the_fastest_way_is_remembered_and_obeyed(shapes: Path, tmp_path: Path) -> None:
    options = {**SMALL, "compute": "auto", "steps": 2, "weights": "none", "threads": 1}
    told = []
    for name in ("first", "second"):
        heard = Heard()
        train(shapes, tmp_path / name, callback=heard, **options)
        told.append(next(line for line in heard.said if line.startswith("compute:")))
    assert re.search(r"the fastest of \d+ timed", told[0])  # how many depends on the machine
    assert "the fastest before" in told[1]
    chosen = [
        json.loads((tmp_path / name / "run.json").read_text())["plan"]["compute"]
        for name in ("first", "second")
    ]
    assert chosen[0] == chosen[1]


def test_what_is_remembered_wrongly_is_not_obeyed() -> None:
    memory = TuningCache(1, "a network", 32)
    assert memory.get() is None
    memory.put("float32-last")
    assert memory.get() == "float32-last"
    assert TuningCache(2, "a network", 32).get() is None
    memory._path().write_text("{}")
    assert memory.get() is None
    memory.put("float17")
    assert memory.get() is None


def test_a_precision_that_is_hopeless_is_given_up_after_one_step() -> None:
    begun: list[str] = []

    def step(execution: Execution) -> None:
        begun.append(execution.config.name)
        time.sleep(1.1 if execution.config.precision == "bfloat16" else 0.002)

    best, seconds = autotune(CPU_CONFIGS, 1, step=step, seconds=0.02)
    assert best.config.precision == "float32"
    assert begun.count("bfloat16") == 1
    assert set(seconds) == {"float32", "float32-last", "float32-last-products"}
    assert "bfloat16-last" not in begun


def test_layers_of_a_published_network_that_change_their_input_are_timed() -> None:
    speed = bench("resnet18", 32, classes=3, batch=8, compute="float32", profile=True)
    relus = [layer for layer in speed.layers if layer.kind == "ReLU"]
    assert relus
    assert all(layer.forward >= 0 for layer in relus)
