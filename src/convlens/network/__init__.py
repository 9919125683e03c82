"""Networks: one line of text, its shapes and counts without torch, and the torch module it builds."""
