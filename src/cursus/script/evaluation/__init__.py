"""What an expression of a script can be."""
