"""What the framework's container does in script mode: the training toolkit, and the ranks that it starts."""
