"""``--backend auto`` in a project: what is fastest is found out on its own documents, before any of them is
predicted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from spanloop.store import Store

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


def settle(store: Store, nlp: Language) -> str:
    """Where the backend is to be chosen, choose it now, so that all that is stored comes from one.

    Args:
        store: the project, of whose documents some are drawn.
        nlp: the pipeline that will predict for it.

    Returns:
        What computes: ``torch``, or another backend; ``torch`` too where no model of ours has a choice.
    """
    from spanloop.plugin.model.network import HFNetwork, computes_with
    from spanloop.plugin.pipe.fastest import choose
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is None:
        return "torch"
    network = found[1].network
    if isinstance(network, HFNetwork) and network.undecided:
        choose(found[1], _sample(store, nlp))
    return computes_with(network)


def _sample(store: Store, nlp: Language) -> Iterator[Doc]:
    from spanloop.plugin.pipe.fastest import ENOUGH

    ids = store.documents.ids()
    drawn = random.Random(store.project.seed).sample(ids, min(len(ids), ENOUGH))
    for document in store.documents.fetch(sorted(drawn)):
        if len(document.text) <= nlp.max_length:  # spaCy refuses longer ones, and so does prelabel
            yield nlp.make_doc(document.text)
