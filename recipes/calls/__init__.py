"""A recipe called from elsewhere: what it may be called with, and its errors as one line."""
