"""What a peer's script reports to the benchmark: one line of JSON for each epoch."""

import json


def report_epoch(epoch: int, *, accuracy: float) -> None:
    """Print it at once; the benchmark notes when it came."""
    print(json.dumps({"epoch": epoch, "accuracy": accuracy}), flush=True)
