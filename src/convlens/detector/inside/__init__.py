"""Inside a detector's network: the maps of every layer, from the file alone."""
