"""One training of a project: its input, its lock, its processes, what it gives back."""
