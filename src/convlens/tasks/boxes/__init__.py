"""Where objects are: a box, a class and a score for each."""
