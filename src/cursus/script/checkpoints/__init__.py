"""Which checkpoint a script goes on from, what it makes of it, and which model it keeps."""
