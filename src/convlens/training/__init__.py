"""From labelled pictures to a detector file: options, augmentation, cost, optimizers, loop, export."""
