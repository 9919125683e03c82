"""From probabilities to answers: the rule, how it is fitted, and when another would do better."""
