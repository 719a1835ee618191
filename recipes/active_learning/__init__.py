"""Query strategies: which documents are worth asking about first.

One file an idea, each strategy a class (`strategy`); `registry` has all of them, those of other packages too.
"""
