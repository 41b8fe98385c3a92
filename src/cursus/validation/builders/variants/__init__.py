"""One suite for each type of step."""
