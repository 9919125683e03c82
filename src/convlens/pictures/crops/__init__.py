"""Parts of pictures, and pictures of none of the classes."""
