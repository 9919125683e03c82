"""A module for each command: its help, its arguments, and what it prints."""
