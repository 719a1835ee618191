"""Import and export: documents from files into the store, and out again."""
