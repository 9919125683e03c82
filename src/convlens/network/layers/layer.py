"""What every layer of a network brings with it; no torch."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from .counts import Counts
from .shapes import Mask, Shape
from .words import Words


class Layer(ABC):
    """A layer: how it is written, and its shapes, counts and receptive field.

    Every layer is a frozen dataclass that inherits from this class, and its text (`str`) makes it
    again. Its torch module stands in `network/modules.py`.
    """

    names: ClassVar[tuple[str, ...]]
    """The words that a line of text may call it by."""
    grammar: ClassVar[str]
    """Its lines of the printed grammar, as they are printed."""
    takes_layers: ClassVar[bool] = False
    """Whether layers in brackets belong to it."""
    has_activation: ClassVar[bool] = False
    """Whether relu follows it where the line names no activation."""
    precedes_activation: ClassVar[bool] = False
    """Whether the activation of the layer before it comes after it, as with normalisation."""
    needs_fixed_size: ClassVar[bool] = False
    """Whether its parameters, on feature maps, serve maps of one size only."""

    @classmethod
    @abstractmethod
    def parse(cls, words: Words) -> "Layer":
        """The layer that the words behind its name describe. Raises `UsageError`."""

    @abstractmethod
    def out_shape(self, shape: Shape) -> Shape:
        """The shape of its outputs for inputs of a shape. Raises `LayerError`."""

    @abstractmethod
    def counts(self, shape: Shape) -> Counts:
        """Its counts for inputs of a shape. Raises `LayerError`."""

    @abstractmethod
    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """Which of its inputs, of that shape, any of the marked outputs can depend on."""


def inputs_of(layers: Iterable[Layer], outputs: Mask, *, shape: Shape) -> Mask:
    """Which inputs of the first layer any of the marked outputs of the last can depend on.

    Args:
        layers: The layers between the inputs and the outputs.
        outputs: True for the outputs in question.
        shape: The shape of the inputs.

    Returns:
        True, in that shape, for the inputs on which they depend.
    """
    steps = []
    for layer in layers:
        steps.append((layer, shape))
        shape = layer.out_shape(shape)
    for layer, in_shape in reversed(steps):
        outputs = layer.inputs_of(outputs, in_shape)
    return outputs
