"""The schema in numbered steps."""
