"""Texts that are nearly the same: found, kept in one split, kept out of the eval split."""
