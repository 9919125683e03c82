"""Ways to compute: on a GPU too, as far as that can be shown without one."""

import copy
import os
import platform
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from convlens import train
from convlens.engine.compute.autotune import autotune, available_configs
from convlens.engine.compute.execution import (
    Execution,
    give_back_memory,
    keep_memory,
    multiplies_bfloat16,
)
from convlens.engine.loop import Loop
from convlens.engine.measurement import predict_examples
from convlens.errors import UsageError
from convlens.network.build import build
from convlens.network.spec import network
from convlens.options import (
    CPU_CONFIGS,
    EXECUTION_CONFIGS,
    GPU_CONFIGS,
    ExecutionConfig,
    OptimizerOptions,
)
from loops import SIZE, loop

MUON = OptimizerOptions()


@pytest.mark.filterwarnings("ignore::UserWarning")  # of autocast, which finds no GPU
@pytest.mark.parametrize("config", GPU_CONFIGS, ids=lambda config: config.name)
def test_on_a_gpu_every_tensor_is_in_its_place(
    config: ExecutionConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's simulated tensors have devices, and refuse to mix them, but hold no numbers."""
    cuda = torch.device("cuda", 0)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: cuda)
    waited: list[bool] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: waited.append(True))
    plain = loop("conv 8 3x3 same, norm, pool 2, dropout 0.2, dense 8", optimizer=MUON)
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv()):
        made = Loop(
            plain.module,
            plain.batches,
            val=plain.val,
            objective=plain.objective,
            options=plain.options,
            plan=plain.plan,
            execution=Execution(config, 1),
            seed=5,
        )
        assert {p.device for p in made.module.parameters()} == {cuda}

        def backward(cost: torch.Tensor) -> None:  # the engine itself wants a real device
            assert cost.requires_grad
            for parameter in made.module.parameters():
                parameter.grad = torch.empty_like(parameter)

        monkeypatch.setattr(torch.Tensor, "backward", backward)
        made.train_step(0)
        assert {p.device for p in made.ema_module.parameters()} == {cuda}
        logits = predict_examples(made.ema_module, made.val, execution=made.execution)
        assert logits.device.type == "cpu"
        made.execution.wait()
    assert waited
    assert str(made.execution).endswith("on cuda")


def test_without_a_gpu_one_cannot_be_asked_for(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    with pytest.raises(UsageError, match="finds no GPU here"):
        Execution(EXECUTION_CONFIGS["gpu-float32"], 1)
    with pytest.raises(UsageError, match="finds no GPU here"):
        train(shapes, tmp_path / "run", compute="gpu-bfloat16-last")
    assert {config.device for config in available_configs()} == {"cpu"}


def test_a_gpu_that_fails_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda", 0)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: cuda)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)
    assert available_configs()[-len(GPU_CONFIGS) :] == GPU_CONFIGS

    def step(execution: Execution) -> None:
        if execution.config.device == "gpu":
            raise torch.OutOfMemoryError("CUDA out of memory")

    best, seconds = autotune(available_configs(), 1, step=step, seconds=0.01)
    assert best.config in CPU_CONFIGS
    assert not any(name.startswith("gpu") for name in seconds)


@pytest.mark.parametrize("instructions", [True, False])
def test_bfloat16_is_timed_where_the_processor_has_instructions_for_it(
    instructions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: instructions)
    begun: list[str] = []
    autotune(
        available_configs(), 1, step=lambda execution: begun.append(execution.config.precision)
    )
    assert set(begun) == ({"float32", "bfloat16"} if instructions else {"float32"})


@pytest.mark.skipif(
    not Path("/proc/cpuinfo").exists() or platform.machine() != "x86_64", reason="Linux on x86"
)
def test_the_instructions_are_those_that_the_system_names() -> None:
    flags = Path("/proc/cpuinfo").read_text().split("flags")[1].split("\n")[0].split()
    if "avx512f" not in flags and "avx_ne_convert" not in flags:
        assert not multiplies_bfloat16()
    if "amx_bf16" in flags and "ONEDNN_MAX_CPU_ISA" not in os.environ:
        assert multiplies_bfloat16()


def test_what_is_slow_in_bfloat16_stays_in_float32() -> None:
    groups = "conv 8 3x3 same groups 8, conv 8 3x3 same groups 4, conv 8 3x3 stride 2 groups 8"
    module = build(network(f"conv 8 3x3 same, {groups}, gap", SIZE, classes=3), 0)
    names = list(module.state_dict())
    kept: list[torch.dtype] = []
    plain = module(torch.rand(2, 3, SIZE, SIZE))
    execution = Execution(EXECUTION_CONFIGS["bfloat16-last"], 1)
    execution.place(execution.place(module))
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(lambda _m, _i, out: kept.append(out.dtype))
    with execution.precision():
        got = module(torch.rand(2, 3, SIZE, SIZE))
    assert kept == [torch.bfloat16, torch.bfloat16, torch.float32, torch.float32]
    assert got.shape == plain.shape
    assert list(module.state_dict()) == names
    one, two = copy.deepcopy(module), module
    pixels = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(one(pixels), two(pixels))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone can be told")
def test_what_training_keeps_of_memory_is_given_back_when_it_ends() -> None:
    def megabytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024

    keep_memory()
    before = megabytes()
    large = torch.ones(300 << 18)  # 300 MB
    assert megabytes() > before + 250
    del large
    assert megabytes() > before + 250
    give_back_memory()
    assert megabytes() < before + 50


def test_every_configuration_has_a_name_of_its_own() -> None:
    assert len(set(EXECUTION_CONFIGS.values())) == len(EXECUTION_CONFIGS)
    for name, config in EXECUTION_CONFIGS.items():
        assert config.name == name
