"""The order of the work, and what PyTorch makes of it."""
