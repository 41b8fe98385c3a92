"""Real S3, in processes of their own."""
