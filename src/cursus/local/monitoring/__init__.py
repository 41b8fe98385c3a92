"""What is seen of a host while it runs."""
