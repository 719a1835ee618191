"""Keys for documents whose own key is that of another text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spanloop.store.records import NewDocument
from spanloop.store.tables.incoming import key_of

if TYPE_CHECKING:
    from spanloop.store.store import Store


def with_free_keys(store: Store, documents: Sequence[NewDocument], prefix: str) -> list[NewDocument]:
    """The same documents, each whose key is that of another text under a key of its own.

    Args:
        store: The project.
        documents: Documents on their way in, in their order.
        prefix: What stands before such a key, such as the name of the file: ``PREFIX:KEY``.

    Returns:
        The documents. The same ones get the same keys again; where ``PREFIX:KEY`` has yet another text, a
        hash of the text follows it.
    """
    prefixed = {d.key: f"{prefix}:{d.key}" for d in documents if d.key}
    wanted = json.dumps([*prefixed, *prefixed.values()])
    rows = store.rows(
        "SELECT d.key, d.text FROM json_each(?) j JOIN documents d ON d.key = j.value", (wanted,)
    )
    texts: dict[str, str] = dict(rows)
    named: list[NewDocument] = []
    for document in documents:
        if document.key:
            second = prefixed[document.key]
            free = (k for k in (document.key, second) if texts.get(k, document.text) == document.text)
            key = next(free, f"{second}@{key_of(document.text)}")
            texts[key] = document.text
            document = replace(document, key=key)
        named.append(document)
    return named
