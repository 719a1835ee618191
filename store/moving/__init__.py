"""A project that moves: written to one file of lines and read again, and two projects joined."""
