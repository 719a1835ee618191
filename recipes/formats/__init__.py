"""File formats: one a file, each a reader and a writer, found through the entry-point group
``spanloop.formats``."""
