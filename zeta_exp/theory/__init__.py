"""Floor 0: the mathematics that needs no data."""
