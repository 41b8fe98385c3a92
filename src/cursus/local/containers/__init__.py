"""A host as a container of the job's own image."""
