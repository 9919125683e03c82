"""Running a detector file and judging its answers: NumPy, Pillow and ONNX Runtime, no torch."""
