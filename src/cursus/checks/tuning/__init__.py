"""Rules of the area *hyperparameters* for tuning requests."""
