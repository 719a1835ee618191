"""Texts that are nearly the same: found at import, kept in one split, reported where both have them."""
