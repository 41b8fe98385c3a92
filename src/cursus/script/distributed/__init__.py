"""What the processes of a training do to each other."""
