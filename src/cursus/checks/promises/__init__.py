"""Rules on what a builder says beside its request, and on what was read of its short forms."""
