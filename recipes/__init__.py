"""What a person runs: one recipe a file, each a plain function and a command of the same name."""
