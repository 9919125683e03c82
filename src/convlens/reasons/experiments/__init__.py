"""The experiments behind the case: small networks, trained and measured on your pictures."""
