"""A rectangle in a picture."""

from typing import NamedTuple

MAX_OVERLAP = 0.3
"""Boxes that share more than this of their union are about one thing."""


class Box(NamedTuple):
    """A rectangle in the picture's own pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """In pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    def iou(self, other: "Box") -> float:
        """Intersection over union: area of both over area of either, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        intersection = max(0.0, width) * max(0.0, height)
        return intersection / (self.area + other.area - intersection) if intersection else 0.0

    def same(self, other: "Box") -> bool:
        """Whether both are about one thing: they overlap, or one's middle lies in the other."""
        return self.iou(other) > MAX_OVERLAP or self._holds(other) or other._holds(self)

    def _holds(self, other: "Box") -> bool:
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= x <= self.right and self.top <= y <= self.bottom
