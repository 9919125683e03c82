"""What a peer's script reports to the benchmark: one line of JSON for each epoch."""

import json


def report_epoch(epoch: int, **figures: float) -> None:
    """Print it at once with `accuracy`, or AP; the benchmark notes when it came."""
    print(json.dumps({"epoch": epoch, **figures}), flush=True)
