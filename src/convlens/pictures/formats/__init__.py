"""Kinds of files: opening them, and what Pillow does not see to."""
