"""Which network is more efficient on somebody's own pictures: accuracy against time."""
