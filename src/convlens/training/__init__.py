"""The story of a training: from pictures to a run folder with a detector in it."""
