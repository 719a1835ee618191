"""Label Studio: its machine-learning backend, and a bridge between a project there and a store."""
