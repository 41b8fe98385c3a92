"""Rules of the area *distributed*."""
