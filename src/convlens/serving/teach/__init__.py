"""Teaching a detector from the page: labelled pictures, and a training of its own process."""
