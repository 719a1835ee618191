"""Measures: strict scores with their intervals, and gold labels that are probably wrong. numpy only."""
