"""From spans to tags and back: tagging schemes, the one decoder, calibrated confidences, and gold as tags."""
