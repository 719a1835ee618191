"""The process that predicts for the backend: it loads the model, so that the server never waits for one.

It reads lines of JSON, ``{"id": 1, "documents": [3, 4]}``, stores what the promoted round (else the model it
was started with) says of those documents, and answers ``{"id": 1, "model": 7}`` or ``{"id": 1, "error":
"..."}``. Its first line, once it is ready, has the id 0. Its arguments are the project, and as JSON the model
that was named and how models compute.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

from spanloop.plugin.model.errors import ModelError
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.block import predict_block
from spanloop.recipes.suggest.choice import Choice
from spanloop.recipes.suggest.manner import Manner
from spanloop.recipes.suggest.sources import Source, open_source
from spanloop.recipes.versions import why_spacy_stops
from spanloop.store import Store, StoreError
from spanloop.store.records import Document

BLOCK = 32
"""Documents a transaction: what a killed process loses at most."""


class Predicting:
    """A store and the source that is loaded at the moment."""

    def __init__(self, store: Store, named: dict[str, Any], computing: dict[str, Any] | None = None) -> None:
        self.store = store
        self.named = named
        self.computing = computing or {}
        self.source: Source | None = None
        self.of: int | None = None
        self.tokenizer = ""

    def current(self) -> Source | None:
        """What suggests now, loaded; a round that was promoted since takes the place of the one before."""
        promoted = self.store.rounds.promoted()
        if promoted is None and not self.named:
            return None
        wanted = None if promoted is None else promoted.model_id
        if self.source is None or self.of != wanted:
            named = {} if promoted is not None else self.named
            computing = {} if named.keys() & {"pipeline", "patterns"} else self.computing
            manner = Manner(
                scheme=named.get("scheme"),
                aggregation_strategy=named.get("aggregation_strategy"),
                **computing,
            )
            self.source = open_source(
                self.store,
                named.get("model"),
                named.get("pipeline"),
                named.get("patterns"),
                manner,
                Choice.typed(named.get("label_map"), named.get("threshold"), named.get("component")),
            )
            self.tokenizer = self._tokenizer(self.source)
            self.of = wanted
        return self.source

    def _tokenizer(self, source: Source) -> str:
        from spanloop.recipes.suggest.tokenise import tokenizer_hash

        tokenizer = tokenizer_hash(source.nlp, self.store.project.unit)
        if self.store.project.tokenizer is None:
            self.store.set_project(tokenizer=tokenizer)
        return tokenizer

    def predict(self, ids: list[int]) -> int | None:
        """Predict for the documents that have no prediction yet; gives the model's id, None without one."""
        source = self.current()
        if source is None:
            return None
        missing = [i for i in ids if self.store.predictions.get(i, source.model_id) is None]
        block: list[Document] = []
        for document in self.store.documents.fetch(missing):
            block.append(document)
            if len(block) == BLOCK:
                predict_block(self.store, source, block, self.tokenizer)
                block = []
        if block:
            predict_block(self.store, source, block, self.tokenizer)
        return source.model_id


def main() -> None:
    """Serve the process that started this one until its end of the pipe is closed."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between our answers
    path, named, computing = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    with Store.open(path) as store:
        predicting = Predicting(store, named, computing)
        _answer(answers, predicting, {"id": 0, "documents": []})
        for line in sys.stdin:
            _answer(answers, predicting, json.loads(line))


def _answer(answers: IO[str], predicting: Predicting, question: dict[str, Any]) -> None:
    told: dict[str, Any] = {"id": question["id"]}
    try:
        told["model"] = predicting.predict(question["documents"])
    except (RecipeError, StoreError, ModelError, ImportError, OSError, RuntimeError) as error:
        first = str(error).strip().split("\n", 1)[0]
        told["error"] = why_spacy_stops(error) or first or type(error).__name__
    answers.write(json.dumps(told) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
