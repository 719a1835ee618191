"""In whose name, for which project and with what power a page works.

A page may outlive the server that served it and the person who opened it: answers that were given while the
server was away are sent when something answers at that address again. So everything that a page sends says
these three, as they were when it was done; what does not fit is refused with a reason, and the page keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spanloop.recipes.web.replies import SessionSent
from spanloop.recipes.web.settings import Mode
from spanloop.recipes.web.wire import WireError

OPTIONS = {
    "ordinary": "",
    "blind": " --blind",
    "review": " --review",
    "blind review": " --review --blind",
    "yes/no review": " --review --view binary --only LABEL",
}
"""The modes of a page, and the options of `spanloop correct` that make them."""


@dataclass(frozen=True, slots=True)
class Session:
    """``project``: the id of the project; ``mode``: one of OPTIONS."""

    project: str
    annotator: str
    mode: Mode

    def json(self) -> SessionSent:
        return {"project": self.project, "annotator": self.annotator, "mode": self.mode}

    def check(self, said: Mapping[str, Any], *, required: bool) -> None:
        """Raise WireError for what was done in another session; what is not ``required`` may be left out."""
        for name, here in asdict(self).items():
            if name not in said and not required:
                continue
            there = said.get(name)
            if not isinstance(there, str):
                raise WireError(f"{name!r} must be a string: what /api/project says")
            if there != here:
                raise WireError(_misfit(name, there[:200], here), 409, reason=name)


def _misfit(name: str, there: str, here: str) -> str:
    if name == "project":
        return "this belongs to another project than the one that is served here"
    if name == "annotator":
        return f"this is {there}'s, and {here} is signed in here"
    if there not in OPTIONS:
        return f"'mode' is one of {', '.join(OPTIONS)}"
    now = OPTIONS[here] or "out options"
    return f"this was done on a page of `spanloop correct DB{OPTIONS[there]}`, and this one is with{now}"
