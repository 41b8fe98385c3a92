"""Rules on the training script, by reading it, against the request."""
