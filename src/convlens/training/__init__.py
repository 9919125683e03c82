"""From labelled pictures to a detector file: augmentation, cost, optimizers, loop, export."""
