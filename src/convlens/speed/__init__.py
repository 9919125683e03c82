"""How fast this machine reads, trains and predicts, against its own limits."""
