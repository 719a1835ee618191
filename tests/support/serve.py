"""Serve a store as ``spanloop correct`` does and print the link. Arguments: DB and options as JSON."""

from __future__ import annotations

import json
import sys

from spanloop.recipes.web.correct import correct


def announce(link: str) -> None:
    sys.stdout.write(link + "\n")
    sys.stdout.flush()


correct(sys.argv[1], **{"port": 0, "browser": False, **json.loads(sys.argv[2])}, on_ready=announce)
