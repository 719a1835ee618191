"""The correction page: its server, a Starlette application, and what the browser runs, plain ES modules."""
