"""spaCy + Hugging Face: a token classifier as a pipeline component. Nothing heavy is loaded here."""
