"""Gold documents to better weights: settings, training set, loss, the loop around Hugging Face's Trainer."""
