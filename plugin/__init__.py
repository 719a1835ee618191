"""A Hugging Face token classifier as a spaCy pipeline component. Importing this loads nothing heavy."""
