"""Sparse connections: what an output depends on, and by how much."""
