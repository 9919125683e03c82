"""What answers are worth: metrics, evaluation on pictures, paired comparison, label errors."""
