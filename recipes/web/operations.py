"""What the server can be asked: each operation with what comes in and what goes out.

The routes (`app`) and the OpenAPI (`openapi`) are made from these, so that neither can say what the other
does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from spanloop.recipes.web import asked, replies
from spanloop.recipes.web.wire import Asked

A = TypeVar("A", bound=Asked)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Operation(Generic[A, R]):
    """One method of one path.

    A ``GET`` reads ``asked`` from the path and the query, a ``POST`` from its JSON body. What is
    ``InSession`` may name the session, and what is ``Signed`` must.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    asked: type[A]
    reply: type[R]

    @property
    def in_session(self) -> bool:
        """Whether a session that is named must be the one of now."""
        return issubclass(self.asked, asked.InSession | asked.Signed)

    @property
    def signed(self) -> bool:
        """Whether the session must be named."""
        return issubclass(self.asked, asked.Signed)


ENTER = Operation(
    "POST", "/api/enter", "Whose link it is; with both names, sign in", asked.Entering, replies.Entered
)
PROJECT = Operation(
    "GET", "/api/project", "Task, labels, instructions, progress", asked.OfProject, replies.ProjectSent
)
NEXT = Operation("GET", "/api/next", "The next documents to correct", asked.Next, replies.NextSent)
DOCUMENT = Operation(
    "GET", "/api/documents/{id}", "One document, to open it again", asked.OfDocument, replies.Opened
)
TOKENS = Operation(
    "GET",
    "/api/documents/{id}/tokens",
    "Its token boundaries, null until known",
    asked.OfDocument,
    replies.TokensSent,
)
ANSWERS = Operation("GET", "/api/answers", "Your answers, newest first", asked.Earlier, replies.AnswersSent)
ANSWER = Operation(
    "POST", "/api/answers", "Store an answer: 200 once it is committed", asked.PostedAnswer, replies.Stored
)
SEARCH = Operation("GET", "/api/search", "Documents that contain a text", asked.Search, replies.FoundSent)
SAME = Operation(
    "GET",
    "/api/same",
    "Where the same characters stand in other open documents",
    asked.Same,
    replies.PlacesSent,
)
PROPOSE = Operation(
    "POST", "/api/proposals", "Keep places as proposals in your drafts", asked.Proposals, replies.Proposed
)
OPEN = Operation(
    "POST", "/api/open", "Take a document out of turn, with its lease", asked.Opening, replies.Taken
)
DRAFT = Operation(
    "POST",
    "/api/drafts",
    "Keep or drop the unfinished edits of a document",
    asked.PostedDraft,
    replies.DraftKept,
)
SITTING = Operation(
    "POST",
    "/api/sittings",
    "A page lives and holds documents, or closes",
    asked.Sitting,
    replies.SittingHeard,
)
OPERATIONS: tuple[Operation[Any, Any], ...] = (
    ENTER,
    PROJECT,
    NEXT,
    DOCUMENT,
    TOKENS,
    ANSWERS,
    ANSWER,
    SEARCH,
    SAME,
    PROPOSE,
    OPEN,
    DRAFT,
    SITTING,
)
