"""Who gets which document next."""
