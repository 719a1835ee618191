"""A round on the gold of the eval split: scores, comparison, pictures."""
