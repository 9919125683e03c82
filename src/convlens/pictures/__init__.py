"""Labelled pictures: a data set as one immutable table, decoding, resizing, the pixel store, splits."""
