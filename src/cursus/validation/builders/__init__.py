"""The Level 4 suite: nine tests that a builder of training steps has to pass."""
