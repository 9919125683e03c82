"""How the machine computes a step: device, precision, memory format, kernels, and their timing."""
