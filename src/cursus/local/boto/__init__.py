"""What boto3 has beside a client's methods: its errors, waiters, pages, sessions, and the logs in CloudWatch."""
