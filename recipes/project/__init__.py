"""Making and looking after a project: its file, labels, people, soundness, copies."""
