"""The Hugging Face model: found, loaded, run in batches, held inside thinc, saved."""
