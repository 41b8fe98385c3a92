"""Files that hold requests, definitions or configurations, read with the place of every value."""
