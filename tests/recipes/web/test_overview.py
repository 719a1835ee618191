"""The page's figure of a round is the one that every command shows: accuracy of tags, strict micro F1 of
spans."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from support.store_making import add_model, make_store

from spanloop.recipes.rounds.standings import standings
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.settings import PageSettings
from spanloop.store.records import Score


@pytest.mark.parametrize(("task", "metric"), [("tags", "accuracy"), ("spans", "strict micro F1")])
def test_the_figure_of_the_page_is_the_headline(
    tmp_path: Path, task: Literal["tags", "spans"], metric: str
) -> None:
    with make_store(tmp_path, documents=1, task=task) as store:
        number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        figures = [Score("eval", "strict", "micro", None, 0.5, 0.5, 0.5, 9)]
        if task == "tags":
            figures.append(Score("eval", "accuracy", None, None, 0.8, 0.8, 0.8, 9))
        model_id = add_model(store, kind="round", round=number)
        store.rounds.finish(number, model_id=model_id, scores=figures, manifest=None)
        store.rounds.promote(number)
        shown = Overview(store, PageSettings()).project("anna", {})["figures"]  # type: ignore[arg-type]
        [standing] = standings(store)
        assert standing.headline is not None
        headline = {"metric": metric, "value": standing.headline.f1}
        assert shown == {"round": 1, **headline, "before": None, "waited": None}
