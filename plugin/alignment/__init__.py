"""Characters, tokens and wordpieces: the values between the rooms, and the one way of cutting and placing."""
