"""Pictures with boxes written in a form that other programs read."""
