"""From pictures to examples: splits, batches, augmentation, randomness by position."""
