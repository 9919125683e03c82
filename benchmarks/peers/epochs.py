"""What a peer's script tells the benchmark: one line of JSON for each thing."""

import json


def tell(**what: float) -> None:
    """Print it at once; the benchmark notes when it came."""
    print(json.dumps(what), flush=True)
