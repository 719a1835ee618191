"""The loop with known gold in the person's place."""
