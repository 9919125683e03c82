"""Running a detector file and judging its answers; needs NumPy, Pillow and ONNX Runtime, no torch."""
