"""Style transfer: a photograph repainted by what a network's features say of a painting."""
