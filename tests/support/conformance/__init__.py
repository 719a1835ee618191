"""Many tiny token classifiers, and what is asked of each of them: `tests/models`, `docs/models.md`."""
