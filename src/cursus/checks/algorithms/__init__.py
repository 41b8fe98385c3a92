"""Rules for Amazon's built-in algorithms."""
