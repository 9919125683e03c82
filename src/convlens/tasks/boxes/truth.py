"""What is there in pictures, as answers are compared with it."""

from collections.abc import Iterator

from ...pictures.boxes.boxes import BoxCatalog
from .matching import Truth


def truths_of(catalog: BoxCatalog) -> Iterator[Truth]:
    """The objects of each picture. Crowds and difficult ones count neither way."""
    for boxes in catalog.boxes:
        labels = tuple(catalog.classes[k] for k in boxes.labels.tolist())
        yield Truth(boxes.xyxy, labels, boxes.crowd | boxes.difficult, boxes.areas)
