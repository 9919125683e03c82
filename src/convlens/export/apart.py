"""Part of a graph that is computed only for those who ask for it.

ONNX Runtime computes all of a graph, whichever outputs it is asked for. So what few want lies in
the metadata, and a session that wants it puts it back (`detector/sessions/onnx_runtime.py`).
"""

import base64

import onnx


def taken_apart(graph: onnx.GraphProto, output: str) -> str:
    """Take an output out of a graph, with all that nothing else needs, and return that as text.

    The empty text where the graph has no such output.
    """
    asked = [one for one in graph.output if one.name == output]
    if not asked:
        return ""
    graph.output.remove(asked[0])
    needed = {one.name for one in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & {*node.output}:
            needed |= {*node.input}
            kept.append(node.output[0])
    part = onnx.GraphProto(name=graph.name, output=[onnx.ValueInfoProto(name=output)])
    for field, of_part, names in (
        (graph.node, part.node, {*kept}),
        (graph.initializer, part.initializer, needed),
    ):
        moved = [
            entry
            for entry in field
            if (entry.output[0] if isinstance(entry, onnx.NodeProto) else entry.name) not in names
        ]
        of_part.extend(moved)
        for entry in moved:
            field.remove(entry)
    return base64.b64encode(part.SerializeToString(deterministic=True)).decode()
