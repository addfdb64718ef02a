"""The same computations as users of other programs write them, for comparison."""
