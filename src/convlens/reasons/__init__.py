"""The case for convolutions, measured: arithmetic, sharing, sparsity, translation, examples."""
