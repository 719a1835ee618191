"""Query strategies: which documents are worth asking about first."""
