"""A small detector, a picture and its answer, for other systems to compare with: FOLDER."""

import json
import sys
from pathlib import Path

from PIL import Image

import convlens

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "tests"))
from helpers import SMALL, draw, save_shapes  # noqa: E402

folder = Path(sys.argv[1])
pictures = save_shapes(folder / "pictures", 40)
run = convlens.train(pictures, folder / "run", epochs=10, **SMALL)
Image.fromarray(draw("disc", 7)).save(folder / "one.png")
answer = run.load().predict(folder / "one.png")
(folder / "answer.json").write_text(
    json.dumps({"predicted": answer.predicted, "probability": float(answer.probability)}), "utf-8"
)
