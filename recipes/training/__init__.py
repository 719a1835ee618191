"""The training of one round: settings and gold, the lock, the processes, the decision, the report."""
