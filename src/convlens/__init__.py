"""convlens: train an image detector from labelled pictures, and see why convolutions work.

    import convlens

    print(convlens.inspect("pictures/").findings)         # what is wrong with the pictures
    run = convlens.train("pictures/", minutes=10, seed=1)
    print(run.test.accuracy)                              # on pictures that were left out
    detector = convlens.Detector(run.detector)            # one file; needs no PyTorch
    for prediction in detector.predict_many(["photo.jpg", "more-photos/"]):
        print(prediction.name, prediction.predicted, prediction.probability)
    print(detector.evaluate("other-pictures/").balanced_accuracy)
    print(convlens.describe_network("conv 6 5x5, pool 2, dense 120", size=32).total())
    print(convlens.why(run.folder, "pictures/").folder)   # a page with measurements

A trained detector is a `Detector`; what commands do, functions do in Python. All are
loaded when first used, so that `import convlens` costs nothing and predicting needs no PyTorch.
"""

import os
from typing import TYPE_CHECKING, Any

# Before ONNX Runtime is imported anywhere: from 1.29 on it otherwise writes an identifier and a
# database under the home folder, and sends what it did to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from ._version import __version__
    from .detector.archive import ArchivePredictions, predict_shards
    from .detector.detector import Detector
    from .detector.heat_map import HeatMap
    from .detector.localization import Localization
    from .detector.suggest import suggest
    from .efficiency.comparison import NetworkComparison
    from .efficiency.measure import measure_networks
    from .errors import ConvlensError, PictureError, UsageError
    from .evaluation.compare import Comparison, compare
    from .export.forms.export_detector import export_detector
    from .export.forms.exported import Exported
    from .export.push import push
    from .inspection.inspect import inspect
    from .inspection.inspection import Inspection
    from .network.named import describe_network
    from .network.spec import Network
    from .painting.learn import LearntStyle, learn_style
    from .painting.options import PaintOptions
    from .painting.paint import Painted, paint
    from .pictures.boxes.write.convert import Converted, convert
    from .pictures.shards.write import Sharded, shard
    from .reasons.run import why
    from .reasons.section import Case
    from .speed.bench import Speed, bench
    from .tasks.boxes.evaluation import BoxEvaluation
    from .tasks.boxes.prediction import BoxPrediction
    from .tasks.classification.evaluation import Evaluation
    from .tasks.classification.prediction import Prediction
    from .training.run import Run
    from .training.train import repeat, resume, train

_HOMES = {
    "__version__": "_version",
    "ArchivePredictions": "detector.archive",
    "BoxEvaluation": "tasks.boxes.evaluation",
    "BoxPrediction": "tasks.boxes.prediction",
    "Case": "reasons.section",
    "Comparison": "evaluation.compare",
    "Converted": "pictures.boxes.write.convert",
    "ConvlensError": "errors",
    "Detector": "detector.detector",
    "Evaluation": "tasks.classification.evaluation",
    "Exported": "export.forms.exported",
    "HeatMap": "detector.heat_map",
    "Inspection": "inspection.inspection",
    "LearntStyle": "painting.learn",
    "Localization": "detector.localization",
    "Network": "network.spec",
    "NetworkComparison": "efficiency.comparison",
    "PaintOptions": "painting.options",
    "Painted": "painting.paint",
    "PictureError": "errors",
    "Prediction": "tasks.classification.prediction",
    "Run": "training.run",
    "Sharded": "pictures.shards.write",
    "Speed": "speed.bench",
    "UsageError": "errors",
    "bench": "speed.bench",
    "compare": "evaluation.compare",
    "export_detector": "export.forms.export_detector",
    "convert": "pictures.boxes.write.convert",
    "inspect": "inspection.inspect",
    "describe_network": "network.named",
    "learn_style": "painting.learn",
    "measure_networks": "efficiency.measure",
    "paint": "painting.paint",
    "predict_shards": "detector.archive",
    "push": "export.push",
    "repeat": "training.train",
    "resume": "training.train",
    "shard": "pictures.shards.write",
    "suggest": "detector.suggest",
    "train": "training.train",
    "why": "reasons.run",
}

__all__ = [  # noqa: RUF022  (by use)
    "train",
    "resume",
    "repeat",
    "Run",
    "Detector",
    "Prediction",
    "BoxPrediction",
    "Localization",
    "HeatMap",
    "Evaluation",
    "BoxEvaluation",
    "compare",
    "Comparison",
    "inspect",
    "Inspection",
    "suggest",
    "shard",
    "Sharded",
    "convert",
    "Converted",
    "predict_shards",
    "ArchivePredictions",
    "export_detector",
    "Exported",
    "push",
    "describe_network",
    "Network",
    "measure_networks",
    "NetworkComparison",
    "paint",
    "learn_style",
    "PaintOptions",
    "Painted",
    "LearntStyle",
    "why",
    "Case",
    "bench",
    "Speed",
    "ConvlensError",
    "UsageError",
    "PictureError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convlens' has no attribute {name!r}")
    from importlib import import_module

    from .errors import require

    if _HOMES[name].startswith(("training", "efficiency", "painting.learn")):
        require("torch", "train", what="training")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
