"""The Hugging Face model: found, loaded, run in batches, wrapped for thinc, saved."""
