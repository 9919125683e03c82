"""Charts and small pictures for pages, and numbers as text."""
