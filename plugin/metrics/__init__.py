"""Measures: strict scores with intervals, gold labels that are probably wrong. numpy and scipy only."""
