"""How much, how large and how many at once."""
