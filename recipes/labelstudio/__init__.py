"""At home in Label Studio: its machine-learning backend, and a client that keeps a project and a store in
step."""
