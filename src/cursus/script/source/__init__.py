"""A source directory: its files, its requirements, its shell scripts and its modules."""
