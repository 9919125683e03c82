"""Training itself: the loop, its loss, optimizers, checkpoints, and how the machine is used."""
