"""Ultralytics' detector from random parameters on all cores, all else as it comes.

python run_ultralytics_boxes.py DATA.yaml NETWORK.yaml MINUTES
"""

import sys
import tempfile

from epochs import report_epoch
from ultralytics import YOLO
from ultralytics_cores import use_all_cores

EPOCHS = 1000
"""More than there is time for: the minutes end the training."""


def main() -> None:
    listed, network, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    how = {"data": listed, "device": "cpu", "plots": False, "verbose": False}
    use_all_cores()
    with tempfile.TemporaryDirectory() as out:
        model = YOLO(network)
        model.train(time=minutes / 60, epochs=EPOCHS, pretrained=False, project=out, **how)
        found = model.val(split="val", project=out, **how).box
        report_epoch(model.trainer.epoch + 1, AP50=float(found.map50), AP=float(found.map))


if __name__ == "__main__":
    main()
