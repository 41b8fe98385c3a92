"""A job in its folder, which any process can read."""
