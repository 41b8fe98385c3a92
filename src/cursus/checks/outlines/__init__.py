"""What many requests have in common, and which rules that leaves to run."""
