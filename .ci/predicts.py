"""Whether an installed wheel answers as the machine did that trained the detector: FOLDER."""

import importlib.util
import json
import sys
from pathlib import Path

import convlens

folder = Path(sys.argv[1])
answer = json.loads((folder / "answer.json").read_text("utf-8"))
prediction = convlens.Detector(folder / "run" / "detector.onnx").predict(folder / "one.png")
print(convlens.__version__, sys.version.split()[0], prediction.predicted, prediction.probability)
assert importlib.util.find_spec("torch") is None, "it is to predict without PyTorch"  # noqa: S101
assert prediction.predicted == answer["predicted"]  # noqa: S101
assert abs(prediction.probability - answer["probability"]) < 1e-4  # noqa: S101
