"""Rules on the evidence of a local run."""
