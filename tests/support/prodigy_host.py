"""A small, strict stand-in for Prodigy's server.

    python tests/support/prodigy_host.py DATASET.jsonl COMMAND...

It finds recipes through the entry-point group ``prodigy_recipes``, reads the command line by the recipe's own
description, checks every component against the documented contract, and then obeys JSON lines on its
standard input: ``{"next": 3}``, ``{"answers": [...]}``, ``{"exit": true}``. The dataset is a file, as
``db-out`` would write it. Anything that Prodigy would refuse ends the process with an AssertionError.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

VIEWS = {
    "ner", "ner_manual", "spans", "spans_manual", "pos", "pos_manual", "relations", "dep", "classification",
    "choice", "text", "html", "text_input", "review", "diff", "compare", "blocks", "pages", "llm_io",
}  # fmt: skip
BINARY = {"ner", "spans", "pos", "dep", "classification"}
ARITY = {
    "update": 1, "before_db": 1, "validate_answer": 1, "on_load": 1, "on_exit": 1, "progress": 2,
    "get_session_id": 0, "metrics": 1, "task_router": 3, "session_factory": 2,
}  # fmt: skip
OTHER = {"dataset", "view_id", "stream", "db", "exclude", "config", "event_hooks"}
CONFIG: dict[str, type | tuple[type, ...]] = {
    "labels": list, "lang": str, "exclude_by": str, "auto_count_stream": bool, "show_flag": bool,
    "custom_theme": dict, "keymap_by_label": dict, "feed_overlap": bool, "annotations_per_task": float,
    "blocks": list, "buttons": list, "javascript": str, "global_css": str, "keymap": dict,
    "instructions": str, "batch_size": int, "choice_style": str, "total_examples_target": int,
}  # fmt: skip


def components_of(command: list[str]) -> tuple[dict[str, Any] | None, str]:
    """Calls the recipe that the command names, as the command line would."""
    from prodigy.core import RECIPES

    points = {point.name: point for point in entry_points(group="prodigy_recipes")}
    for point in points.values():
        point.load()
    assert set(points) <= set(RECIPES), "an entry point whose recipe has another name"
    function, described = RECIPES[command[0]]
    parser = argparse.ArgumentParser(command[0], allow_abbrev=False)
    for name, parameter in inspect.signature(function).parameters.items():
        arg, kind = described[name], parameter.annotation
        more: dict[str, Any] = {"help": arg.help}
        if parameter.default is not parameter.empty:
            more["default"] = parameter.default
        if kind is bool:
            more["action"] = "store_true"
        elif get_args(kind):
            more |= {"choices": get_args(kind), "type": type(get_args(kind)[0])}
        else:
            more["type"] = kind
        if arg.option:
            parser.add_argument(*filter(None, (arg.option, arg.short)), dest=name, **more)
        else:
            parser.add_argument(name, **more)
    found = function(**vars(parser.parse_args(command[1:])))
    assert found is None or type(found) is dict, (
        f"a recipe returns a dict, or nothing and serves nothing: {found!r}"
    )
    return found, command[0]


def check_components(parts: dict[str, Any]) -> None:
    unknown = set(parts) - set(ARITY) - OTHER
    assert not unknown, f"no such component: {unknown}"
    assert {"dataset", "view_id", "stream"} <= set(parts), "a recipe with a page needs these three"
    assert isinstance(parts["dataset"], str)
    assert parts["dataset"]
    assert parts["view_id"] in VIEWS, parts["view_id"]
    assert isinstance(parts["stream"], Iterable)
    assert not isinstance(parts["stream"], str | dict)
    for name, arity in ARITY.items():
        if parts.get(name) is not None:
            inspect.signature(parts[name]).bind(*range(arity))
    exclude = parts.get("exclude") or []
    assert isinstance(exclude, list)
    assert all(isinstance(name, str) for name in exclude)
    config = parts.get("config", {})
    for name, value in config.items():
        assert name in CONFIG, f"no such setting: {name}"
        assert isinstance(value, CONFIG[name]), f"{name} is {value!r}"
    assert json.loads(json.dumps(config)) == config, "the page reads the config as JSON"
    assert config.get("exclude_by", "task") in ("task", "input")
    assert not {"feed_overlap", "annotations_per_task"} <= set(config), "these two exclude each other"
    assert all(isinstance(label, str) for label in config.get("labels", []))
    assert set(config.get("keymap_by_label", {})) <= set(config.get("labels", []))
    assert set(config.get("custom_theme", {}).get("labels", {})) <= set(config.get("labels", []))


def check_shown(shown: dict[str, Any]) -> None:
    """Tokens spell the text, spans stand on them."""
    text, tokens = shown["text"], shown["tokens"]
    assert isinstance(text, str)
    assert "".join(token["text"] + " " * token["ws"] for token in tokens) == text
    for number, token in enumerate(tokens):
        assert token["id"] == number
        assert type(token["ws"]) is bool
        assert text[token["start"] : token["end"]] == token["text"]
    for span in shown["spans"]:
        first, last = tokens[span["token_start"]], tokens[span["token_end"]]
        assert (first["start"], last["end"]) == (span["start"], span["end"]), "token_end is inclusive"
        assert isinstance(span["label"], str)


def check_task(task: Any, view: str) -> None:
    """One question, without an answer yet and with its hashes."""
    assert type(task) is dict
    assert json.loads(json.dumps(task)) == task, "a task is JSON"
    assert "answer" not in task, "a question has no answer yet"
    assert isinstance(task.get("meta", {}), dict)
    for name in ("_input_hash", "_task_hash"):
        assert type(task[name]) is int
        assert -(2**31) <= task[name] < 2**31
    check_shown(task)
    if view in BINARY:
        assert len(task["spans"]) == 1, "yes or no to one thing at a time"
    if view == "review":
        assert task["view_id"] in VIEWS
        assert task["versions"]
        assert sum(version["default"] for version in task["versions"]) == 1
        for version in task["versions"]:
            check_shown(version)
            assert version["answer"] == "accept"
            assert version["sessions"]


class Server:
    """One running recipe with its dataset."""

    def __init__(self, parts: dict[str, Any], dataset: Path) -> None:
        self.parts = parts
        self.dataset = dataset
        self.view = parts["view_id"]
        self.key = "_input_hash" if parts["config"].get("exclude_by") == "input" else "_task_hash"
        self.stream: Iterator[Any] = iter(parts["stream"])
        self.seen = {task[self.key] for task in self.stored()}
        if parts.get("on_load"):
            parts["on_load"](self)

    def stored(self) -> list[dict[str, Any]]:
        if not self.dataset.exists():
            return []
        return [json.loads(line) for line in self.dataset.read_text("utf-8").splitlines()]

    def next(self, number: int) -> list[dict[str, Any]]:
        """Up to so many questions that are not in the dataset and were not sent before."""
        tasks: list[dict[str, Any]] = []
        while len(tasks) < number and (task := next(self.stream, None)) is not None:
            check_task(task, self.view)
            if task[self.key] not in self.seen:
                self.seen.add(task[self.key])
                tasks.append(task)
        return tasks

    def answers(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch as the page sends it: refused whole where one example is, else kept and passed on."""
        for example in examples:
            assert example["answer"] in ("accept", "reject", "ignore")
            example.setdefault("_view_id", self.view)
            example.setdefault("_is_binary", self.view in BINARY)
            if self.parts.get("validate_answer"):
                try:
                    self.parts["validate_answer"](example)
                except ValueError as error:
                    return {"refused": str(error)}
        kept = examples
        if self.parts.get("before_db"):
            kept = self.parts["before_db"](examples)
            assert isinstance(kept, list)
            assert len(kept) == len(examples)
        with self.dataset.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(example) + "\n" for example in kept)
        returned = self.parts["update"](kept) if self.parts.get("update") else None
        done = self.parts["progress"](self, returned) if self.parts.get("progress") else None
        assert done is None or (isinstance(done, float) and 0 <= done <= 1), f"progress is {done!r}"
        return {"progress": done}

    def exit(self) -> None:
        if self.parts.get("on_exit"):
            self.parts["on_exit"](self)


def tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    dataset, command = Path(sys.argv[1]), sys.argv[2:]
    parts, name = components_of(command)
    if parts is None:
        return
    check_components(parts)
    server = Server(parts, dataset)
    shown = {key: parts[key] for key in ("view_id", "config", "exclude", "dataset")}
    tell({"recipe": name, "components": sorted(parts), **shown})
    for line in sys.stdin:
        asked = json.loads(line)
        if "next" in asked:
            tell({"tasks": server.next(asked["next"])})
        elif "answers" in asked:
            tell(server.answers(asked["answers"]))
        else:
            server.exit()
            return


if __name__ == "__main__":
    main()
