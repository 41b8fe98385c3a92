"""Data on its way into a host and out of it."""
