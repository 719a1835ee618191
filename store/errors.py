"""What the store says when it refuses: one clear line, meant for the person who typed the command."""

from __future__ import annotations


class StoreError(ValueError):
    """A user's error: what is wrong, where, and what to do instead."""
