"""Floor 5: how good a prediction is, and what it must be compared with."""
