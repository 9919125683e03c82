"""The forms in which boxes are written: one file each, which finds and reads it."""
