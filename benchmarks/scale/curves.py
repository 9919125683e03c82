"""J at each of 100 steps by one and by two processes, side by side.

python benchmarks/scale/curves.py [--out FOLDER] [--small]

Both by plain gradient descent in float32, from one batch and seed.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from scale.measurement import run_measurement
from scale.processes import train_together


def curves(home: Path, small: bool) -> dict[str, Any]:
    work = {"pictures": 400, "batch": 128, "side": 16, "steps": 10 if small else 100}
    one, two = (train_together(count, home, work)["costs"] for count in (1, 2))
    gap = max(abs(a - b) for a, b in zip(one, two, strict=True))
    print("step    J of one    J of two    difference")
    for step in range(0, len(one), max(1, len(one) // 20)):
        print(f"{step:4}  {one[step]:10.6f}  {two[step]:10.6f}  {two[step] - one[step]:12.1e}")
    print(f"largest difference in {len(one)} steps: {gap:.1e}")
    return {"one": one, "two": two, "largest_difference": gap}


if __name__ == "__main__":
    run_measurement(__doc__, curves)
