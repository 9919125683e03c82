"""`convlens bench`: how fast pictures are read, trained on and predicted here."""

from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from ..detector.detector import Detector
from ..engine.compute.execution import processor
from ..engine.compute.timing import fastest_seconds
from ..errors import UsageError
from ..export.export import export
from ..network.classifier import Classifier
from ..network.named import describe_network, line_of
from ..options import CPU_CONFIGS, check_named
from ..parallel import cores, in_order
from ..pictures.decode import decode
from ..progress import Progress
from ..tasks.classification.objective import plain_objective
from ..transfer.pretrained import NetworkChoice
from .layers import LayerTiming, time_layers
from .reading import reading_rates, sample_files
from .roofline import Limits, measure_limits
from .training import training_speed

MANY = 50_000
"""So many pictures are assumed where `auto` chooses a network."""


@dataclass(frozen=True)
class Speed:
    """What was measured. Rates are a second.

    `decode` and `resize` are pictures read, on all threads; `training` is pictures by each way to
    compute, those not worth a second turn left out, and `compute` the fastest of them; `stages` are
    the shares of a training step; `roofline_fraction` is the rate of a training step's products as
    a share of the machine's limit; `predict` is pictures by the exported file, each with its mirror
    image and on one thread, on all threads.
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
    layers: list[LayerTiming]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
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

    Args:
        network: A line or a name.
        size: Side length in pixels of the network's pictures.
        classes: How many classes the network tells apart.
        batch: Pictures of a training step.
        threads: Processor threads, all cores by default.
        compute: The name of one way to compute; `auto` times all of them.
        pictures: A folder whose first files are read. By default pictures are made (360×480, JPEG).
        profile: Whether to time each layer by itself.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The rates, and the machine's limits beside them.

    Raises:
        UsageError: There is no such network or way to compute, or there are no such pictures.

    Examples:
        >>> import convlens
        >>> speed = convlens.bench("conv 4 3x3, gap", 16, batch=16, compute="float32")
        >>> speed.training["float32"] > 0
        True
    """
    configs = {config.name: config for config in CPU_CONFIGS}
    if compute not in ("auto", *configs):
        raise UsageError(f"--compute {compute}: it can be auto, {', '.join(configs)}")
    check_named(size=size, threads=threads)
    if batch < 1 or classes < 1:
        raise UsageError(f"--batch {batch}, --classes {classes}: they can be 1 or more")
    threads = threads or cores()
    files = sample_files(pictures)
    progress("measuring", 0, 4)
    limits = measure_limits(threads)
    progress("measuring", 1, 4)
    decode_rate, resize_rate = reading_rates(files, size)
    progress("measuring", 2, 4)
    described = describe_network(line_of(network, size, pictures=MANY), size, classes=classes)
    choice = NetworkChoice(described.text, "none")
    # mirror images as by default: only the file's answers see them
    module = choice.module(size, classes=classes, tta_hflip=True)
    timed = CPU_CONFIGS if compute == "auto" else (configs[compute],)
    training = training_speed(
        module, size, classes=classes, batch=batch, configs=timed, threads=threads
    )
    progress("measuring", 3, 4)
    predict_rate = _predict_rate(module, size, classes=classes, files=files)
    fastest, loop = training.execution.config, training.loop
    layers = []
    if profile:
        pixels, _ = next(loop.batches.micro_batches(0, size, encode=loop.objective.encode)[1])
        layers = time_layers(loop.module, pixels, execution=training.execution, limits=limits)
    progress("measuring", 4, 4)
    counts = described.total()
    # a training step has the products of the forward pass, and twice as many in the backward pass
    products = 3 * counts.multiplications * training.rates[fastest.name]
    return Speed(
        _machine(threads),
        limits,
        network=described.text,
        size=size,
        parameters=counts.parameters,
        multiplications=counts.multiplications,
        decode=decode_rate,
        resize=resize_rate,
        compute=fastest.name,
        training=training.rates,
        stages=training.stages,
        roofline_fraction=products / limits.products[fastest.precision],
        predict=predict_rate,
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


def _predict_rate(module: Classifier, size: int, *, classes: int, files: list[bytes]) -> float:
    """Pictures a second that the exported file answers for, decoding included."""
    labels = tuple(str(number) for number in range(classes))
    detector = Detector(
        export(module.eval(), size, labels=labels, metadata={}, objective=plain_objective(classes))
    )

    def predict(data: bytes) -> object:
        return detector.probabilities(decode(data))

    return len(files) / fastest_seconds(lambda: list(in_order(predict, files)))
