"""Learning where objects are, from pictures with boxes."""
