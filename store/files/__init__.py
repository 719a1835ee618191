"""The SQLite file itself: group commit, write-ahead log, copies, soundness."""
