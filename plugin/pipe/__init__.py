"""The spaCy component: factory, pipe, what it leaves on a Doc, scorer, how it learns in ``spacy train``."""
