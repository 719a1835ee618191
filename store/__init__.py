"""The SQLite file that is the project: documents, predictions, annotations, queue, rounds.

Knows no torch and no spaCy.
"""

from spanloop.store.errors import StoreError, StoreUnavailable
from spanloop.store.store import Store

__all__ = ["Store", "StoreError", "StoreUnavailable"]
