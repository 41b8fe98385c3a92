"""Rules of the area *resources*."""
