"""Parameters learnt elsewhere: features, a linear probe on them, what is unlike them."""
