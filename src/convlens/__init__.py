"""convlens: train an image detector from labelled pictures, and see why convolutions work.

Every command has a function of the same name here. They are loaded when first used, so that
`import convlens` costs nothing and predicting needs no PyTorch.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .detector.archive import Labelled, predict_shards
    from .detector.detector import Detector, Prediction
    from .detector.find import find
    from .detector.localization import Localization
    from .detector.predict import predict
    from .detector.suggest import suggest
    from .errors import ConvlensError
    from .evaluation.compare import Comparison, compare
    from .evaluation.evaluate import Evaluation, evaluate
    from .inspection.inspect import Inspection, inspect
    from .network.named import describe_network
    from .network.spec import Network
    from .pictures.shards.write import Sharded, shard
    from .reasons.run import why
    from .reasons.section import Case
    from .speed.bench import Speed, bench
    from .training.train import Run, resume, train

_HOMES = {
    "Case": "reasons.section",
    "Comparison": "evaluation.compare",
    "ConvlensError": "errors",
    "Detector": "detector.detector",
    "Evaluation": "evaluation.evaluate",
    "Inspection": "inspection.inspect",
    "Labelled": "detector.archive",
    "Localization": "detector.localization",
    "Network": "network.spec",
    "Prediction": "detector.detector",
    "Run": "training.train",
    "Sharded": "pictures.shards.write",
    "Speed": "speed.bench",
    "bench": "speed.bench",
    "compare": "evaluation.compare",
    "evaluate": "evaluation.evaluate",
    "find": "detector.find",
    "inspect": "inspection.inspect",
    "describe_network": "network.named",
    "predict": "detector.predict",
    "predict_shards": "detector.archive",
    "resume": "training.train",
    "shard": "pictures.shards.write",
    "suggest": "detector.suggest",
    "train": "training.train",
    "why": "reasons.run",
}

__all__ = [
    "Case",
    "Comparison",
    "ConvlensError",
    "Detector",
    "Evaluation",
    "Inspection",
    "Labelled",
    "Localization",
    "Network",
    "Prediction",
    "Run",
    "Sharded",
    "Speed",
    "__version__",
    "bench",
    "compare",
    "describe_network",
    "evaluate",
    "find",
    "inspect",
    "predict",
    "predict_shards",
    "resume",
    "shard",
    "suggest",
    "train",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convlens' has no attribute {name!r}")
    from importlib import import_module

    from .errors import require

    if _HOMES[name].startswith("training"):
        require("torch", "train", what="training")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
