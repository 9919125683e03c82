"""What this machine can do at most: products of matrices, and moving memory."""

from dataclasses import dataclass

import torch

from ..engine.compute.timing import fastest_seconds

SIDES, SLOW = (256, 2048), 0.002
"""Of the matrices: the larger ones reach full speed, but are left out where the smaller ones take
so many seconds, as without instructions for a precision."""
BYTES = 256 << 20
"""To move: more than caches hold."""


@dataclass(frozen=True)
class Limits:
    """Rates measured on all threads.

    `products` are multiplications a second by precision, two matrices' product; `bytes` are bytes
    a second, read and written, of a copy.
    """

    products: dict[str, float]
    bytes: float


def measure_limits(threads: int) -> Limits:
    """Measure them."""
    torch.set_num_threads(threads)
    products = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        for side in SIDES:
            left, right = (torch.randn(side, side).to(kind) for _ in range(2))
            with torch.inference_mode():
                seconds = fastest_seconds(lambda a=left, b=right: a @ b)  # type: ignore[misc]
            products[name] = side**3 / seconds
            if seconds > SLOW:
                break
    source = torch.zeros(BYTES // 4)
    target = torch.empty_like(source)
    return Limits(products, 2 * BYTES / fastest_seconds(lambda: target.copy_(source)))
