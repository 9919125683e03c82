"""Protobuf's wire format, read and written: enough for ONNX files, which are written in it."""

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | memoryview


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Numbers and values of a message's fields, in their order (protobuf's wire format)."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("it is not a protobuf message")
        if at + length > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("it is not a protobuf message")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def packed(values: memoryview) -> Iterator[int]:
    """Whole numbers that stand one behind the other."""
    at = 0
    while at < len(values):
        value, at = _varint(values, at)
        yield value


def message(value: Value) -> memoryview:
    """A field's value that is a message, or bytes. Raises `ValueError` where it is a number."""
    if isinstance(value, int):
        raise ValueError("it is not a protobuf message")
    return value


def text(value: Value) -> str:
    """A field's value that is text."""
    return bytes(message(value)).decode("utf-8", "replace")


def field(number: int, data: bytes) -> bytes:
    """A field of protobuf's wire format."""
    length, digits = len(data), [number << 3 | 2]
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    return bytes((*digits, length)) + data
