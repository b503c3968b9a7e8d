"""Alert rules: a figure, a condition, and whom to tell when it holds and when it does no more."""
