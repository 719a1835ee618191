"""spaCy + Hugging Face: a token classifier as a pipeline component. Import the modules by name; nothing heavy is loaded here."""
