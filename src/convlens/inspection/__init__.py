"""What is wrong with pictures before any training."""
