"""The kinds of answer that a detector gives: what each is, how it is measured and shown."""
