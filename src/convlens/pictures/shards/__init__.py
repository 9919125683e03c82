"""Pictures as a stream of tar files, here or at an address."""
