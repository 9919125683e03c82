"""How many examples networks with and without sharing need."""
