"""A SageMaker training service on this machine."""
