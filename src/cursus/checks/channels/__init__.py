"""Rules of the area *channels*."""
