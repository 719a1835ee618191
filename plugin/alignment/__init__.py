"""Characters, tokens, wordpieces: how a text is cut for the model, and how spans are placed on its tokens."""
