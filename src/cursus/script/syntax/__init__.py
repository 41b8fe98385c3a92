"""Sources parsed, and what stands in them: nothing is followed."""
