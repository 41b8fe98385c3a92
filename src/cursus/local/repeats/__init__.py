"""A run once more with something changed, to see what that changes."""
