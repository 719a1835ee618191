"""The spaCy component: its factory, what it leaves on a Doc, its scorer, how it learns in ``spacy train``."""
