"""A run is planned: what its request asks for that is refused here, or not as it is there."""
