"""One file a family of tables: what may be written to it, and what is read."""
