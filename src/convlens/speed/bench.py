"""How fast pictures are read, trained on and judged here."""

import copy
import io
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from PIL import Image

from ..dataset.augment import SMALL as SMALL_SIDE
from ..dataset.augment import USUAL, USUAL_SMALL, Augment, parse_ways
from ..dataset.batches import Batches, Examples, Order
from ..detector.detector import Detector
from ..engine.compute.autotune import autotune
from ..engine.compute.execution import Execution, processor
from ..engine.compute.timing import fastest_seconds
from ..engine.loop import Loop
from ..engine.loss import make_loss
from ..engine.step_plan import Phase, StepPlan
from ..errors import UsageError
from ..export.export import export
from ..network.build import Classifier
from ..network.named import describe_network, line_of
from ..options import CPU_CONFIGS, LossOptions, OptimizerOptions
from ..parallel import cores, in_order
from ..pictures.decode import decode
from ..pictures.folder import files_below
from ..pictures.resize import Resizer
from ..transfer.pretrained import make_module
from .layers import LayerCost, layer_costs
from .roofline import Limits, measure_limits

Progress = Callable[[str, int, int], None]
PICTURES, SHAPE = 64, (360, 480)
"""Made pictures, where none are given, and their height and width."""
STEPS = 8
"""Whose stages are told."""


@dataclass(frozen=True)
class Speed:
    """What was measured. Rates are a second.

    `decode` and `resize` are pictures read, on all threads; `training` is pictures by each way to
    compute, those not worth a second turn left out; `stages` the shares of a training step;
    `predict` pictures by the exported file, each on one thread, on all threads.
    """

    machine: dict[str, Any]
    limits: Limits
    _: KW_ONLY
    network: str
    size: int
    parameters: int
    multiplications: int
    decode: float
    resize: float
    compute: str
    training: dict[str, float]
    stages: dict[str, float]
    roofline_fraction: float
    predict: float
    layers: list[LayerCost]

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def bench(
    network: str = "auto",
    size: int = 64,
    *,
    classes: int = 10,
    batch: int = 256,
    threads: int | None = None,
    compute: str = "auto",
    pictures: str | Path | None = None,
    profile: bool = False,
    progress: Progress = lambda *_: None,
) -> Speed:
    """Measure reading, training and predicting with a network from random parameters.

    `pictures` is a folder whose first files are read; without it pictures are made (360×480, JPEG).
    `profile` times each layer by itself. Raises `UsageError`.
    """
    configs = {config.name: config for config in CPU_CONFIGS}
    if compute not in ("auto", *configs):
        raise UsageError(f"--compute {compute}: it can be auto, {', '.join(configs)}")
    threads = threads or cores()
    files = _files(pictures)
    progress("measuring", 0, 5)
    limits = measure_limits(threads)
    progress("measuring", 1, 5)
    decoding, resizing = _reading(files, size)
    progress("measuring", 2, 5)
    spec = describe_network(line_of(network, size, pictures=50_000), size, classes=classes)
    described = spec.describe()
    module = make_module(
        spec.text, size, classes=classes, seed=0, mean=[0.5] * 3, std=[0.25] * 3, weights="none"
    )
    loops: dict[str, Loop] = {}

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            loops[name] = _loop(
                copy.deepcopy(module), size, classes=classes, batch=batch, execution=execution
            )
        loops[name].train_step(0)

    tried = CPU_CONFIGS if compute == "auto" else (configs[compute],)
    best, seconds = autotune(tried, threads, step=step)
    fastest = best.config
    progress("measuring", 3, 5)
    loop = loops[fastest.name]
    loop.timer.clear()
    for number in range(STEPS):
        loop.train_step(number)
    stages = loop.timer.shares()
    progress("measuring", 4, 5)
    predicting = _predicting(module, size, classes=classes, files=files)
    rates = {name: batch / spent for name, spent in seconds.items()}
    layers = []
    if profile:
        pixels = loop.batches.groups(0, size)[1][0][0]
        layers = layer_costs(loop.module, pixels, execution=best, limits=limits)
    progress("measuring", 5, 5)
    return Speed(
        _machine(threads),
        limits,
        network=spec.text,
        size=size,
        parameters=described["parameters"],
        multiplications=described["multiplications"],
        decode=decoding,
        resize=resizing,
        compute=fastest.name,
        training=rates,
        stages=stages,
        roofline_fraction=3
        * described["multiplications"]
        * rates[fastest.name]
        / limits.products[fastest.precision],
        predict=predicting,
        layers=layers,
    )


def _machine(threads: int) -> dict[str, Any]:
    """What was measured on."""
    return {
        "processor": processor(),
        "threads": threads,
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _files(pictures: str | Path | None) -> list[bytes]:
    if pictures is not None:
        if not Path(pictures).is_dir():
            raise UsageError(f"--pictures {pictures}: it is no folder")
        paths = list(islice(files_below(Path(pictures)), PICTURES))
        if not paths:
            raise UsageError(f"--pictures {pictures}: there are no files in it")
        return [Path(path).read_bytes() for path in paths]
    random = np.random.default_rng(0)
    made = []
    for _ in range(PICTURES):
        small = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(small).resize(SHAPE[::-1], Image.Resampling.BICUBIC).save(buffer, "JPEG")
        made.append(buffer.getvalue())
    return made


def _reading(files: list[bytes], size: int) -> tuple[float, float]:
    """Pictures decoded a second, and decoded ones resized."""
    pixels = list(in_order(decode, files))
    resize = Resizer(size)
    decoding = fastest_seconds(lambda: list(in_order(decode, files)))
    return len(files) / decoding, len(files) / fastest_seconds(
        lambda: list(in_order(resize, pixels))
    )


def _loop(module: Classifier, size: int, *, classes: int, batch: int, execution: Execution) -> Loop:
    count = max(1000, batch)
    random = np.random.default_rng(0)
    pixels: npt.NDArray[np.uint8] = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    rows = np.arange(count)
    examples = Examples(pixels, rows, labels=rows % classes, classes=classes)
    ways = parse_ways(USUAL_SMALL if size < SMALL_SIDE else USUAL)
    batches = Batches(
        examples, Order(count, batch, seed=0), augment=Augment(ways, 0), group=module.group
    )
    loss = make_loss(
        LossOptions(), torch.from_numpy(examples.labels), classes=classes, pretrained=False
    )
    plan = StepPlan((Phase(STEPS, size, seconds=1.0),), STEPS)
    return Loop(
        module,
        batches,
        val=examples,
        loss=loss,
        options=OptimizerOptions(),
        plan=plan,
        execution=execution,
        seed=0,
    )


def _predicting(module: Classifier, size: int, *, classes: int, files: list[bytes]) -> float:
    """Pictures that the exported file answers for, decoding included."""
    labels = tuple(str(number) for number in range(classes))
    detector = Detector(export(module.eval(), size, labels=labels, metadata={}))
    answer = lambda data: detector.probabilities(decode(data))  # noqa: E731
    return len(files) / fastest_seconds(lambda: list(in_order(answer, files)))
