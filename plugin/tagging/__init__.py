"""Spans to tags and back: schemes, the one decoder, calibrated confidences, and gold as tags."""
