"""A Hugging Face token classifier as a spaCy pipeline component. Importing this loads nothing heavy."""


def short_names() -> None:
    """Make what the component leaves on Docs known by short names too: ``span._.confidence`` beside
    ``span._.spanloop_confidence``, ``doc._.char_spans`` beside ``doc._.spanloop_char_spans`` and so on.

    It holds for this process, and is nothing that a saved pipeline remembers: call it in each one.

    Raises:
        ValueError: Where you, or another package, registered one of the short names. Then none is made known.
    """
    from spanloop.plugin.pipe import extensions

    extensions.register_short_names()
