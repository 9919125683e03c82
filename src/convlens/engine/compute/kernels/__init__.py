"""Layers computed in another way than torch's own where that is faster; same results."""
