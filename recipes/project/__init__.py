"""A project made and looked after: labels, annotators, what is installed, soundness of the file, backups."""
