"""Files to entries and back: one file a format; `registry` lists them, `sources` finds the files behind a
name."""
