"""What is measured: strict scores, their intervals, labels that are probably wrong. numpy and scipy only."""
