"""Stands in for the library of this name, which is in the training images alone."""
