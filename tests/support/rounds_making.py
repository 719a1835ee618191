"""Finished rounds without a training: small files in the place of a pipeline."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from spanloop.store import Store
from support.store_making import add_model


def finish_round(store: Store, files: int = 1, size: int = 10) -> int:
    """A finished round whose folder holds so many files, each of so many bytes; returns its number."""
    row = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
    folder = store.rounds_folder.claim()
    draft = Path(mkdtemp(prefix=f".{row.number:04d}.", suffix=".part", dir=folder))
    for number in range(files):
        (draft / f"{number}.bin").write_bytes(f"{row.number}".encode() * size)
    files_hash = store.rounds_folder.take_in(draft, row)
    path = f"{folder.name}/{row.number:04d}"
    model_id = add_model(store, f"round {row.number}", kind="round", round=row.number, path=path)
    store.rounds.finish(row.number, model_id=model_id, scores=[], manifest=None, files_hash=files_hash)
    return row.number
