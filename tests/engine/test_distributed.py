"""Several processes that train one detector come to what one alone would have come to.

The file is also what `torchrun` runs in each of them: see `_worker`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convlens.dataset.augment import Augment
from convlens.dataset.batches import Batches, Order
from convlens.engine.compute.execution import Execution
from convlens.engine.distributed import SINGLE_PROCESS, Workers, init_distributed
from convlens.engine.loop import Loop
from convlens.engine.measurement import predict_examples
from convlens.engine.step_plan import StepPlan
from convlens.errors import UsageError
from convlens.files import read_json
from convlens.network.build import build
from convlens.network.spec import network
from convlens.options import AUGMENTATIONS, EXECUTION_CONFIGS, LossOptions, OptimizerOptions
from convlens.tasks.classification.objective import make_objective
from helpers import SMALL
from loops import SIZE, examples

STEPS, COUNT, BATCH = 100, 400, 170  # three groups of 57 or 56, so two workers share unevenly
LINE = "conv 4 3x3, norm, dropout 0.3, conv 6 3x3, norm, dense 6"


def shared_loop(workers: Workers = SINGLE_PROCESS) -> Loop:
    data = examples(COUNT)
    options = OptimizerOptions(optimizer="gd", learning_rate=0.05, schedule="constant", warmup=0)
    return Loop(
        build(
            network(LINE, SIZE, classes=3), 7 * (1 + workers.rank)
        ),  # the first one's parameters count
        Batches(data, Order(COUNT, BATCH, seed=5), augment=Augment(frozenset(AUGMENTATIONS), 5)),
        val=examples(99, 1),
        objective=make_objective(LossOptions(label_smoothing=0.1, l2=1e-3), data.labels, classes=3),
        options=options,
        plan=StepPlan.of(STEPS, [(1.0, SIZE, 0.1)], measure_every=50),
        execution=Execution(EXECUTION_CONFIGS["float32"], 1),
        seed=5,
        workers=workers,
    )


def curve(made: Loop) -> list[float]:
    costs = [made.train_step(step) for step in range(STEPS)]
    made.progress.step = STEPS
    return costs


def _worker(folder: Path) -> None:
    """What each process does: the same training together, and then from a checkpoint of one."""
    torch.set_num_threads(1)
    with init_distributed() as workers:
        made = shared_loop(workers)
        made.restore(folder / "of one", print)
        at = made.progress.step
        resumed = [made.train_step(step) for step in range(at, at + 5)]
        made = shared_loop(workers)
        costs = curve(made)
        made.save(folder / "of two")
        state = made.ema_module.state_dict() | {
            f"own {k}": v for k, v in made.module.state_dict().items()
        }
        mine = {
            "costs": costs,
            "resumed": resumed,
            "logits": predict_examples(
                made.ema_module, made.val, execution=made.execution, workers=workers
            ).tolist(),
            "state": {name: value.tolist() for name, value in state.items()},
            "asked": workers.any(workers.rank == 1),
            "share": list(workers.share(3)),
        }
        (folder / f"{workers.rank}.json").write_text(json.dumps(mine))
        # the first one has more to do than the others, who must not run out of patience with it
        barrier = torch.distributed.barrier

        def last_barrier() -> None:
            done = (folder / "done").exists()
            (folder / f"{workers.rank} at the barrier").write_text(str(done))
            barrier()

        torch.distributed.barrier = last_barrier  # type: ignore[assignment]
        if workers.first:
            time.sleep(1)
            (folder / "done").touch()


def torchrun(*command: str, count: int = 2) -> list[str]:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*start, f"--nproc-per-node={count}", *command]


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Loop, list[float]]:
    """What two processes wrote, and the same training by this one alone."""
    folder = tmp_path_factory.mktemp("together")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = shared_loop()
    costs = []
    for step in range(STEPS):
        if step == 20:
            alone.progress.step = step
            alone.save(folder / "of one")
        costs.append(alone.train_step(step))
    torch.set_num_threads(threads)
    paths = os.pathsep.join(sys.path)  # where the helpers of the tests are
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run(torchrun(__file__, str(folder)), check=True, env=environment)
    return folder, alone, costs


def test_what_the_first_one_does_alone_may_take_longer_than_a_barrier_waits(
    groups: tuple[Path, Loop, list[float]],
) -> None:
    folder, _, _ = groups
    assert [(folder / f"{n} at the barrier").read_text() for n in range(2)] == ["True"] * 2


def test_two_workers_have_the_same_costs_as_one(
    groups: tuple[Path, Loop, list[float]],
) -> None:
    folder, alone, costs = groups
    found = [read_json(folder / f"{number}.json") for number in range(2)]
    assert found[0]["share"] == [0]
    assert found[1]["share"] == [1, 2]
    for mine in found:
        assert np.abs(np.array(mine["costs"]) - costs).max() < 1e-3
        assert np.abs(np.array(mine["resumed"]) - costs[20:25]).max() < 1e-3
        assert mine["asked"] is True  # one of them is enough
    assert costs[-1] < costs[0]
    # parameters, averages and running statistics are equal in every process, and those of one alone
    assert found[0]["state"] == found[1]["state"]
    assert found[0]["logits"] == found[1]["logits"]
    state = alone.ema_module.state_dict() | {
        f"own {k}": v for k, v in alone.module.state_dict().items()
    }
    assert any("running_var" in name for name in state)
    for name, value in state.items():
        assert torch.allclose(torch.tensor(found[0]["state"][name]), value, atol=1e-3), name
    alone_again = shared_loop()
    alone_again.restore(folder / "of two", pytest.fail)  # fewer workers go on where more were
    assert alone_again.progress.step == STEPS


def test_a_batch_with_fewer_micro_batches_than_workers_is_refused() -> None:
    with pytest.raises(UsageError, match="give --batch 192 or more, or start fewer workers"):
        Workers(0, 3).check_batch(128, 64)
    Workers(0, 3).check_batch(129, 64)
    for count in (1, 2, 3, 5):
        shared = [part for number in range(count) for part in Workers(number, count).share(7)]
        assert shared == list(range(7))


def _children(process: int) -> list[int]:
    """The worker processes, in the order of their start."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in listed]


def _number(process: int) -> str:
    environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next(line[5:].decode() for line in environment if line.startswith(b"RANK="))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_a_lost_worker_ends_the_run_and_one_alone_goes_on(shapes: Path, tmp_path: Path) -> None:
    from convlens import resume

    out = tmp_path / "run"
    options: dict[str, Any] = {
        **SMALL,
        "batch": "96",
        "steps": 200,
        "weights": "none",
        "threads": 1,
    }
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = torchrun("-m", "convlens", "train", str(shapes), "--out", str(out), *words)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while len(list((out / "checkpoint").glob("step-*[1-9]*.safetensors"))) < 1:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        second = next(child for child in _children(process.pid) if _number(child) == "1")
        os.kill(second, signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode != 0
    assert "worker 1 of 2 lost the connection to another one" in said
    assert f"train --resume {out}" in said
    assert said.count("network: ") == said.count("plan: ") == 1  # progress is shown once
    assert not (out / "detector.onnx").exists()
    record = read_json(out / "run.json")
    assert record["plan"]["workers"] == 2
    assert record["plan"]["batch"] == 96
    done = resume(out)
    assert done.finished
    assert done.metrics["training"]["steps"] == 200
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    kinds = [event["event"] for event in events if event["event"] != "measure"]
    assert kinds == ["begin", "resume", "detector", "end"]


if __name__ == "__main__":
    _worker(Path(sys.argv[1]))

pytestmark = pytest.mark.trains
