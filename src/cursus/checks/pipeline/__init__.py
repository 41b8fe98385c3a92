"""Rules on pipeline definitions, and what becomes of their findings."""
