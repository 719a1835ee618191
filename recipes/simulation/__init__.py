"""The whole loop without a person: known gold answers in their place."""
