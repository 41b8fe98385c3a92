"""The lines that a script prints."""
