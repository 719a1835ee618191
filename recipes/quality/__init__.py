"""Whether the gold is right: places that models doubt, sent back to a person for review."""
