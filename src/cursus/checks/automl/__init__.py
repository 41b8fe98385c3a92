"""Rules for AutoML requests, in both versions of the operation."""
