"""The HTTP API and its page, behind `convlens serve`."""
