"""Which documents are worth asking about first."""
