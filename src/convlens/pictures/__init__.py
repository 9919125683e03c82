"""Labelled pictures: one immutable table, decoding, resizing, the pixel store, splits."""
