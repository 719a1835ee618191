"""What the store says when it refuses: one clear line, meant for the person who typed the command."""

from __future__ import annotations


class StoreError(ValueError):
    """A user's error: what is wrong, where, and what to do instead."""


class StoreUnavailable(StoreError):
    """Nothing is wrong with what was to be read or written: the file refuses everything at the moment,
    because the disk is full or failing, another process writes, or it is damaged. The same may work later."""
