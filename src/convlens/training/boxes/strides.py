"""How far apart the points are from which boxes are told; `inspect` asks for it without torch."""

STRIDES = (8, 16, 32)
"""Pixels between neighbouring points, from the finest maps to the coarsest."""
