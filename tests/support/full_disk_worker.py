"""One command of spanloop in a process of its own whose disk may be full: its exit code and what it said."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import httpx

from spanloop.recipes.cli import bar
from spanloop.recipes.cli.main import main
from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store, StoreError


def command(arguments: Sequence[str], scratch: Path, said: Path) -> None:
    """Run the command line in this process, whose exit code it sets; temporary files go to ``scratch``, what
    it prints to ``said`` (``.out``, ``.err``)."""
    os.environ["TMPDIR"] = str(scratch)
    tempfile.tempdir = None
    bar.SILENT_SECONDS = 3600.0  # a busy machine would add the lines of a bar to the one line of the refusal
    for stream, suffix in ((sys.stdout, ".out"), (sys.stderr, ".err")):
        os.dup2(os.open(said.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    main(list(arguments), prog_name="spanloop")  # a multiprocessing child prints what it raises


def answer(processes: ForkServerContext, path: Path, first: int) -> tuple[list[int], str]:
    """Have a process answer the documents from the ``first`` on: the numbers of those that were acknowledged,
    and the refusal that ended it."""
    ears, mouth = processes.Pipe(duplex=False)
    process = processes.Process(target=answers, args=(path, first, mouth))
    process.start()
    mouth.close()
    taken, refusal = list[int](), ""
    while True:
        try:
            told = ears.recv()
        except EOFError:
            break
        if isinstance(told, int):
            taken.append(told)
        else:
            refusal = told
    process.join()
    assert process.exitcode == 0
    return taken, refusal


def answers(path: Path, first: int, mouth: Connection) -> None:
    """Answer documents over HTTP until one is refused; sends the number of each that was acknowledged, then
    the refusal."""
    try:
        asyncio.run(_answer(path, first, mouth))
    except StoreError as error:
        mouth.send(f"503 {error}")


async def _answer(path: Path, first: int, mouth: Connection) -> None:
    with Store.open(path) as store:
        app = create_app(store, PageSettings(), ask_tokens=lambda _: True)
        base = "http://localhost:8765"
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=base, headers={"origin": base}
        ) as http:
            project = (await http.get("/api/project")).json()
            for number, (document_id, key) in enumerate(
                store.rows("SELECT id, key FROM documents WHERE split = 'pool' ORDER BY id")
            ):
                if number < first:
                    continue
                reply = await http.post("/api/answers", json=_body(document_id, key, project))
                if reply.status_code != 200:
                    mouth.send(f"{reply.status_code} {reply.text}")
                    return
                mouth.send(document_id)


def _body(document_id: int, key: str, project: dict[str, Any]) -> dict[str, object]:
    label = project["labels"][0]
    return {
        **project["session"],
        "uuid": f"00000000-0000-4000-8000-{document_id:012d}",
        "document_id": document_id,
        "document_key": key,
        "answer": "accept",
        "spans": [{"start": 0, "end": 1, "label_id": label["id"], "from": None}],
        "prediction_id": None,
        "seconds": 1.0,
        "comment": "a comment that takes some room. " * 20,
    }
