"""Networks: a line of text, its shapes and counts without torch, the torch module it builds."""
