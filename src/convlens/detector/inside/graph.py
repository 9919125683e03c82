"""A detector's graph as plain values, read without the `onnx` package."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..sessions.protobuf import Value, fields, message, packed, text

FLOAT, INT64, FLOAT16 = 1, 7, 10
"""ONNX's numbers for the types of elements that weights and sizes have."""


@dataclass(frozen=True)
class Node:
    """An operation: what it is, the names of the tensors that it reads and makes, and options."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Mapping[str, Any]

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """An option that is several whole numbers."""
        return tuple(self.options.get(name, default))

    @property
    def groups(self) -> int:
        """Of a convolution."""
        return int(self.options.get("group") or 1)


class Graph:
    """The nodes in the order in which they are computed, and tensors that are there before."""

    def __init__(self, model: bytes | memoryview) -> None:
        graph = next(message(value) for number, value in fields(memoryview(model)) if number == 7)
        entries = [(number, message(value)) for number, value in fields(graph) if number in {1, 5}]
        self.nodes = [_node(entry) for number, entry in entries if number == 1]
        self._tensors = {_name(entry): entry for number, entry in entries if number == 5}

    @cached_property
    def makers(self) -> dict[str, Node]:
        """By each tensor's name, the node that makes it."""
        return {name: node for node in self.nodes for name in node.outputs}

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """By each tensor's name, the nodes that read it."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers

    def tensor(self, name: str) -> npt.NDArray[Any] | None:
        """A tensor that is there before anything is computed; None where it is computed."""
        if name in self._tensors:
            return _array(self._tensors[name])
        maker = self.makers.get(name)
        if maker and maker.operator == "Cast":  # of a weight that is stored in fewer bits
            return self.tensor(maker.inputs[0])
        value = maker.options.get("value") if maker and maker.operator == "Constant" else None
        return value if isinstance(value, np.ndarray) else None


def _node(entry: memoryview) -> Node:
    inputs, outputs, operator, options = [], [], "", {}
    for number, value in fields(entry):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 4:
            operator = text(value)
        elif number == 5:
            name, content = _option(message(value))
            options[name] = content
    return Node(operator, tuple(inputs), tuple(outputs), options)


def _option(entry: memoryview) -> tuple[str, Any]:
    """A node's attribute: a whole number, several, a tensor, or text; others are passed over."""
    name, several = "", []
    content: Any = None
    for number, value in fields(entry):
        if number == 1:
            name = text(value)
        elif number == 3:
            content = _signed(value)
        elif number == 4:
            content = text(value)
        elif number == 5:
            content = _array(message(value))
        elif number == 8:
            several += list(_whole_numbers(value))
    return name, several or content


def _name(tensor: memoryview) -> str:
    return next((text(value) for number, value in fields(tensor) if number == 8), "")


def _array(tensor: memoryview) -> npt.NDArray[Any] | None:
    """Floats or whole numbers; None where the elements are of another type."""
    shape, kind, raw, floats, wholes = [], 0, b"", b"", []
    for number, value in fields(tensor):
        if number == 1:
            shape += list(_whole_numbers(value))
        elif number == 2:
            kind = _signed(value)
        elif number == 4:
            floats += bytes(message(value))
        elif number == 7:
            wholes += list(_whole_numbers(value))
        elif number == 9:
            raw = bytes(message(value))
    if kind == FLOAT:
        return np.frombuffer(raw or floats, "<f4").reshape(shape)
    if kind == FLOAT16:
        return np.frombuffer(raw, "<f2").reshape(shape).astype(np.float32)
    if kind == INT64:
        whole = np.frombuffer(raw, "<i8") if raw else np.array(wholes, np.int64)
        return whole.reshape(shape)
    return None


def _whole_numbers(value: Value) -> Iterator[int]:
    yield from (_signed(value),) if isinstance(value, int) else map(_signed, packed(value))


def _signed(value: Value) -> int:
    """Whole numbers below 0 are written as large ones."""
    number = value if isinstance(value, int) else 0
    return number - (1 << 64) if number >> 63 else number
