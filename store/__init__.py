"""The SQLite file that is the project: documents, predictions, annotations, queue, rounds. Knows no torch and no spaCy."""
