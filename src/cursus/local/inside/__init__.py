"""Programs that run inside a host, where there is no cursus: they import nothing of it."""
