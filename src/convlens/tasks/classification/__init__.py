"""One class for each picture: the answers, their rule, their metrics, and how they are shown."""
