"""What the kernel offers, and knows nothing of jobs."""
