"""A round scored on the gold of the eval split: figures, differences, the decision to promote, charts."""
