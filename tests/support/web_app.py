"""A web server of somebody who uses the component: an ASGI application over one pipeline, whose model is
loaded by its first request. Run by uvicorn in a process of its own."""

from __future__ import annotations

import os
import sys

import spacy
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

sys.setswitchinterval(1e-5)  # many changes of threads, as on a busy machine
NLP = spacy.blank("en")
NLP.add_pipe("hf_token_classifier", config={"model": os.environ["SPANLOOP_TEST_MODEL"]})


def entities(request: Request) -> JSONResponse:
    """The entities of a text. No coroutine: starlette answers each request in a thread."""
    doc = NLP(request.query_params["text"])
    return JSONResponse(
        [[ent.start_char, ent.end_char, ent.label_, round(ent._.spanloop_confidence, 4)] for ent in doc.ents]
    )


def loaded(_request: Request) -> JSONResponse:
    """Whether the model is in memory yet."""
    return JSONResponse(NLP.get_pipe("hf_token_classifier").model.shims[0].is_loaded)


app = Starlette(routes=[Route("/entities", entities), Route("/loaded", loaded)])
