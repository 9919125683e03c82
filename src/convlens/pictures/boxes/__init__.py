"""Pictures with boxes: read in the forms that people have, checked, and written again."""
