"""Teaching a detector from the page: pictures, and a training of its own process."""
