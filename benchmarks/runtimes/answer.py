"""In a runtime's own environment: answers of a model for pictures, from file to file.

    python answer.py RUNTIME MODEL PICTURES.npz ANSWERS.npy

It needs NumPy and the runtime, and nothing of convlens.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[[Any], Any]


def onnxruntime(model: str) -> Answer:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(["probabilities"], {"image": pixels})[0]


def openvino(model: str) -> Answer:
    import openvino

    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", exact)
    return lambda pixels: compiled([pixels])["probabilities"]


def opencv(model: str) -> Answer:
    import cv2

    network = cv2.dnn.readNetFromONNX(model)

    def answer(pixels: Any) -> Any:
        network.setInput(pixels)
        return network.forward("probabilities")

    return answer


def main() -> None:
    runtime, model, pictures, answers = sys.argv[1:]
    answer: Answer = {"onnxruntime": onnxruntime, "openvino": openvino, "opencv": opencv}[runtime](
        model
    )
    with np.load(pictures) as file:
        np.save(answers, np.concatenate([np.array(answer(file[name])) for name in file.files]))


if __name__ == "__main__":
    main()
