"""Pipelines and models that suggest spans, for the documents of a project or for files."""
