"""Documents from files into the store, and out again."""
