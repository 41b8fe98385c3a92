"""What AWS publishes, as data files made by ``scripts/``, and the functions that read them."""
