"""Three rounds on the built-in corpus."""
