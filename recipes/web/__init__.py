"""The correction page: a Starlette application and plain ES modules."""
