"""Is the gold right? What models doubt, and the way back to a person."""
