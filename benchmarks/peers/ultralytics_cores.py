"""All cores for Ultralytics, which leaves one to the system: of two, half of them."""

import os

from ultralytics.utils import torch_utils


def use_all_cores() -> None:
    """To be called before training: its choice of the device sets so many threads."""
    torch_utils.NUM_THREADS = os.cpu_count() or 1
