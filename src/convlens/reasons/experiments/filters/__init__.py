"""What the filters of a trained detector look for."""
