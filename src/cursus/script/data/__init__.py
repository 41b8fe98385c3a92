"""What a script reads and writes."""
