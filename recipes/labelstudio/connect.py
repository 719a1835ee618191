"""Which project is meant, and the backend and webhook that Label Studio should have for it."""

from __future__ import annotations

import base64
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.client import ApiError, LabelStudio
from spanloop.recipes.labelstudio.confirmed import address_of, confirm, is_confirmed
from spanloop.recipes.labelstudio.landing import project_number, source_of
from spanloop.recipes.labelstudio.layout import Layout, read_layout
from spanloop.recipes.labelstudio.serve import PASSWORD
from spanloop.recipes.report import Report
from spanloop.store import Store
from spanloop.store.tables.bridges import Bridge

TITLE = "spanloop"


@dataclass(frozen=True, slots=True)
class Connected(Report):
    """What Label Studio has now."""

    backend: str
    """The address of the backend that it asks."""
    webhook: str
    """What was done so that it tells us, too."""

    def text(self) -> str:
        return f"Label Studio asks {self.backend}; webhook: {self.webhook}"


@contextmanager
def meeting(
    store: Store, url: str | None, project: int | None
) -> Iterator[tuple[LabelStudio, Bridge, Layout]]:
    """The project there that belongs to this store: as named, else the one known from last time.

    RecipeError where neither says which, where only the store says where it is and this person never did
    (see ``confirmed``), or where its labels have none of ours.
    """
    bridge = _bridge(store, url, project)
    if url is None and not is_confirmed(bridge.url, bridge.source):
        raise RecipeError(
            f"{store.path} says that its Label Studio is at {bridge.url}, which you have not named on this "
            "machine, so your access token is not sent there: if it is yours, say so once with --url "
            f"{shlex.quote(bridge.url)} --project {number_of(bridge)}"
        )
    with LabelStudio(bridge.url) as studio:
        layout = read_layout(studio.project(number_of(bridge)).get("label_config"), store.labels.names())
        if not layout.offered(store.labels.names()):
            raise RecipeError(
                f"the project there labels {', '.join(layout.labels or ())}, this one "
                f"{', '.join(store.labels.names())}: none in common"
            )
        if url is not None:
            confirm(bridge.url, bridge.source)
        store.bridges.put(bridge)
        yield studio, bridge, layout


def number_of(bridge: Bridge) -> int:
    """The number of the project there. RecipeError where the store holds none."""
    try:
        return project_number(bridge.source.rsplit("/", 1)[-1])
    except ValueError as error:
        raise RecipeError(f"this store is connected to {bridge.source!r}: {error}") from error


def _bridge(store: Store, url: str | None, project: int | None) -> Bridge:
    known = [bridge for bridge in store.bridges.all() if bridge.source.startswith("labelstudio/")]
    if project is None:
        if len(known) != 1:
            raise RecipeError("say which project is meant: --url http://localhost:8080 --project NUMBER")
        project = number_of(known[0])
    try:
        source = source_of(project)
    except ValueError as error:
        raise RecipeError(f"--project: {error}") from error
    bridge = store.bridges.get(source)
    if bridge is None:
        if url is None:
            raise RecipeError("say where Label Studio is: --url http://localhost:8080")
        return Bridge(source, address_of(url))
    there = address_of(bridge.url)
    if url is not None and there != address_of(url):
        raise RecipeError(
            f"project {project} of this store is the one at {there}: one store, one Label Studio"
        )
    return replace(bridge, url=there)


def connect(
    db: str | Path,
    *,
    backend: str,
    url: str | None = None,
    project: int | None = None,
    user: str | None = None,
) -> Connected:
    """Add our backend to the project there, unless it has it, and mend its webhook.

    ``user`` and the password in SPANLOOP_BACKEND_PASSWORD are what the backend asks for. ApiError says which
    setting of Label Studio to change where it refuses the address.
    """
    address = backend.rstrip("/")
    with Store.open(db) as store, meeting(store, url, project) as (studio, bridge, _):
        number = number_of(bridge)
        refusal = _add_backend(studio, number, address, user)
        there = [row for row in studio.backends(number) if row["url"].rstrip("/") == address]
        if refusal is not None and not there:
            raise refusal
        try:
            webhook = _mend_webhook(studio, number, address, _header(user) if user else None)
        except ApiError as error:
            if error.status != 403:
                raise
            raise RecipeError(
                "the backend is added, but Label Studio refuses its webhook, so annotations come only with "
                f"`spanloop labelstudio pull`. {error}"
            ) from error
        return Connected(address, webhook)


def _add_backend(studio: LabelStudio, project: int, address: str, user: str | None) -> ApiError | None:
    """Add it unless it is there; the refusal, if there was one. A refused one may be there all the same."""
    if any(row["url"].rstrip("/") == address for row in studio.backends(project)):
        return None
    body: dict[str, Any] = {"url": address, "project": project, "title": TITLE}
    if user is not None:
        secret = {"basic_auth_user": user, "basic_auth_pass": _password()}
        body = {**body, "auth_method": "BASIC_AUTH", **secret}
    try:
        studio.post("/api/ml", body)
    except ApiError as error:
        return error
    return None


def mend_webhooks(studio: LabelStudio, project: int) -> list[str]:
    """See to the webhook of every backend of ours; tells what was done where something was."""
    told = []
    for row in studio.backends(project):
        ours = str(row.get("model_version") or "").startswith("spanloop") or row.get("title") == TITLE
        if not ours:
            continue
        user = row.get("basic_auth_user") if row.get("auth_method") == "BASIC_AUTH" else None
        if user and not os.environ.get(PASSWORD):
            continue  # a webhook without the password would only be turned away
        done = _mend_webhook(studio, project, row["url"].rstrip("/"), _header(user) if user else None)
        if done != "in order":
            told.append(f"webhook of {row['url']}: {done}")
    return told


def _mend_webhook(studio: LabelStudio, project: int, address: str, header: str | None) -> str:
    wanted: dict[str, Any] = {
        "url": f"{address}/webhook",
        "is_active": True,
        "send_payload": True,
        "send_for_all_actions": True,
    }
    if header is not None:
        wanted["headers"] = {"Authorization": header}
    found = [hook for hook in studio.webhooks(project) if hook["url"].rstrip("/") == wanted["url"]]
    if not found:
        studio.post("/api/webhooks/", {**wanted, "project": project}, project=project)
        return "made"
    if all(found[0].get(name) == value for name, value in wanted.items()):
        return "in order"
    studio.patch(f"/api/webhooks/{found[0]['id']}/", wanted)
    return "mended"


def _header(user: str) -> str:
    """What the webhook must carry: Label Studio sends the backend's own user and password with calls only."""
    return "Basic " + base64.b64encode(f"{user}:{_password()}".encode()).decode()


def _password() -> str:
    password = os.environ.get(PASSWORD, "")
    if not password:
        raise RecipeError(f"put the backend's password into the environment variable {PASSWORD}")
    return password
