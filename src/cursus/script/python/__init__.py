"""What fails in any Python program: names, members, arguments."""
