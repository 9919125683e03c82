"""What this machine can do at most (Williams et al. 2009): products, and moving memory."""

from dataclasses import dataclass

import torch

from ..engine.compute.timing import fastest_seconds

ROWS, SLOW = (256, 2048), 0.002
"""Of the square matrices. The larger ones reach full speed, but are left out where the smaller ones
take longer than so many seconds, as they do without instructions for a precision."""
BYTES = 256 << 20
"""To move: more than caches hold."""


@dataclass(frozen=True)
class Limits:
    """What this machine can do in a second, on all threads.

    `products` are the multiplications of a product of two matrices, by precision; `bytes` are those
    that a copy reads and writes.
    """

    products: dict[str, float]
    bytes: float


def measure_limits(threads: int) -> Limits:
    """Measure what this machine can do on so many threads."""
    torch.set_num_threads(threads)
    products = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        for rows in ROWS:
            left, right = (torch.randn(rows, rows).to(kind) for _ in range(2))
            with torch.inference_mode():
                seconds = fastest_seconds(lambda a=left, b=right: a @ b)  # type: ignore[misc]
            products[name] = rows**3 / seconds
            if seconds > SLOW:
                break
    source = torch.zeros(BYTES // 4)
    target = torch.empty_like(source)
    return Limits(products, 2 * BYTES / fastest_seconds(lambda: target.copy_(source)))
