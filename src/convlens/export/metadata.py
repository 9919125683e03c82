"""A graph with its metadata, checked and sealed."""

import json
from collections.abc import Mapping
from typing import Any

import onnx
from onnx import helper

from ..detector.integrity import check_graph, seal, unseal


def with_metadata(model: onnx.ModelProto | bytes, metadata: Mapping[str, Any]) -> bytes:
    """The same graph with these entries set in its metadata, checked and sealed."""
    if isinstance(model, bytes):
        model = onnx.load_from_string(bytes(unseal(model)))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    for key, value in metadata.items():
        entries[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    del model.metadata_props[:]
    helper.set_model_props(model, entries)
    onnx.checker.check_model(model, full_check=True)
    data = bytes(model.SerializeToString(deterministic=True))
    check_graph(data)
    return seal(data)
