"""A client of Label Studio's REST API, as far as keeping a project in step needs it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.confirmed import address_of
from spanloop.recipes.labelstudio.landing import Unread
from spanloop.recipes.labelstudio.messages import one_line, read_json, reason
from spanloop.recipes.labelstudio.replies import ReplyError, a_list, an_object, with_address

API_KEY = "LABEL_STUDIO_API_KEY"
"""The environment variable with the access token, legacy or personal."""

PAGE = 100  # tasks a request
ACCESS_SECONDS = 200.0  # an access token made from a personal one lives for 300
CLOCK_SECONDS = 2.0  # HTTP dates have whole seconds

LOCAL_REFUSED = (
    "Label Studio refuses addresses on this machine and in private networks. Start it with "
    "USE_DEFAULT_BANNED_SUBNETS=False USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16 in its environment "
    "(or ML_BLOCK_LOCAL_IP=False SSRF_PROTECTION_ENABLED=False), or give the backend a public address"
)


class ApiError(RecipeError):
    """Label Studio answered that it will not; ``status`` is HTTP's."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class UnreadableError(RecipeError):
    """It answered, and what it answered is no JSON or too deep a one."""


class LabelStudio:
    """One Label Studio, spoken to with one person's token. Close it or use ``with``.

    RecipeError for an address that is none or does not answer; ApiError for a refusal. Neither shows the
    token.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = address_of(url)
        self._key = (key or os.environ.get(API_KEY, "")).strip()
        if not self._key:
            raise RecipeError(
                f"put your access token of Label Studio (Account & Settings) into the variable {API_KEY}"
            )
        if not (self._key.isascii() and self._key.isprintable()):
            raise RecipeError(
                f"the variable {API_KEY} holds characters that no access token has: copy it anew"
            )
        # a redirect is refused, never followed: it could carry the token to another server
        self._client = httpx.Client(base_url=self.url, timeout=120, follow_redirects=False)
        self._access = ""
        self._renewed = float("-inf")
        self.asked_at: str | None = None

    def __enter__(self) -> LabelStudio:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at that path."""
        return self._call("GET", path, parameters=parameters)

    def post(self, path: str, body: Any, **parameters: Any) -> Any:
        """What comes back for that JSON."""
        return self._call("POST", path, body, parameters)

    def patch(self, path: str, body: Any) -> Any:
        """What comes back for that change."""
        return self._call("PATCH", path, body)

    def project(self, number: int) -> dict[str, Any]:
        """The project of that number."""
        try:
            return an_object(self.get(f"/api/projects/{number}/"), "a project")
        except ApiError as error:
            if error.status == 404:
                raise RecipeError(
                    f"there is no project {number} at {self.url} that this token may see"
                ) from error
            raise

    def backends(self, project: int) -> list[dict[str, Any]]:
        """The machine-learning backends of a project, each with an id and a URL."""
        return with_address(self.get("/api/ml", project=project), "a list of backends")

    def webhooks(self, project: int) -> list[dict[str, Any]]:
        """The webhooks of a project, each with an id and a URL."""
        return with_address(self.get("/api/webhooks/", project=project), "a list of webhooks")

    def tasks(self, project: int, since: str | None = None) -> Iterator[list[Any]]:
        """The tasks of a project with annotations and predictions, a page at a time; ``since``: only those
        that changed at that moment of its clock or later. ``asked_at`` is its clock at the first page.

        They are as they came, objects or not; ``Unread`` stands for one that could not be read at all.
        """
        parameters: dict[str, Any] = {"project": project, "fields": "all", "page_size": PAGE}
        if since is not None:
            changed = {
                "filter": "filter:tasks:updated_at",
                "operator": "greater_or_equal",
                "type": "Datetime",
                "value": since,
            }
            parameters["query"] = json.dumps({"filters": {"conjunction": "and", "items": [changed]}})
        self.asked_at = None
        for page in range(1, 1_000_000):
            try:
                tasks, last = self._tasks(parameters, page)
            except UnreadableError:
                tasks, last = self._one_by_one(parameters, page)
            if tasks:
                yield tasks
            if last or not tasks:
                return

    def _tasks(self, parameters: Mapping[str, Any], page: int) -> tuple[list[Any], bool]:
        """The tasks of a page, and whether it is the last one."""
        found = an_object(self.get("/api/tasks", page=page, **parameters), "a page of tasks")
        tasks = a_list(found.get("tasks"), "a page of tasks")
        total, seen = found.get("total"), (page - 1) * parameters["page_size"] + len(tasks)
        return tasks, not isinstance(total, int) or seen >= total

    def _one_by_one(self, parameters: Mapping[str, Any], page: int) -> tuple[list[Any], bool]:
        """The tasks of a page that cannot be read as a whole. UnreadableError where none of them can be."""
        size = parameters["page_size"]
        tasks: list[Any] = []
        last = False
        for place in range((page - 1) * size + 1, page * size + 1):
            try:
                found, last = self._tasks({**parameters, "page_size": 1}, place)
            except UnreadableError as error:
                found = [Unread(f"number {place} of the list: {error}")]
            except ApiError as error:
                if error.status != 404:
                    raise
                found, last = [], True  # behind the last one
            tasks += found
            if last:
                break
        if all(isinstance(task, Unread) for task in tasks):
            raise UnreadableError(f"none of the tasks {self.url} sent can be read")
        return tasks, last

    def _call(
        self, method: str, path: str, body: Any = None, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        response = self._send(method, path, body, parameters)
        if response.status_code == 401 and self._is_personal():
            self._renewed = float("-inf")
            response = self._send(method, path, body, parameters)
        if response.is_success:
            self._note_clock(response)
            return self._read(response)
        raise self._refusal(response, method, path)

    def _send(
        self, method: str, path: str, body: Any, parameters: Mapping[str, Any] | None
    ) -> httpx.Response:
        headers = {"authorization": self._authorization()}
        if body is None:
            return self._reach(method, path, params=parameters, headers=headers)
        headers["content-type"] = "application/json"
        # plain ASCII, which can hold half a surrogate pair of a document's metadata
        content = json.dumps(body).encode()
        return self._reach(method, path, content=content, params=parameters, headers=headers)

    def _read(self, response: httpx.Response) -> Any:
        try:
            return read_json(response.content) if response.content else None
        except RecipeError as error:
            raise UnreadableError(f"what {self.url} answered cannot be read: {error}") from error

    def _reach(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RecipeError(f"no answer from Label Studio at {self.url}: {reason(error)}") from error

    def _is_personal(self) -> bool:
        """A personal access token is a JSON web token; a legacy one is 40 letters."""
        return self._key.count(".") == 2

    def _authorization(self) -> str:
        if not self._is_personal():
            return f"Token {self._key}"
        if time.monotonic() - self._renewed > ACCESS_SECONDS:
            path = "/api/token/refresh/"
            response = self._reach("POST", path, json={"refresh": self._key})
            if response.has_redirect_location:
                raise self._refusal(response, "POST", path)
            if not response.is_success:
                raise ApiError(
                    response.status_code,
                    f"Label Studio at {self.url} refuses the personal access token in {API_KEY}: make a "
                    "new one under Account & Settings",
                )
            access = an_object(self._read(response), "an access token").get("access")
            if not isinstance(access, str) or not (access.isascii() and access.isprintable()):
                raise ReplyError("an access token")
            self._access = access
            self._renewed = time.monotonic()
        return f"Bearer {self._access}"

    def _note_clock(self, response: httpx.Response) -> None:
        if self.asked_at is None and "date" in response.headers:
            try:
                moment = parsedate_to_datetime(response.headers["date"]).astimezone(timezone.utc)
                moment -= timedelta(seconds=CLOCK_SECONDS)
            except (ValueError, TypeError, LookupError, OverflowError):
                return  # no moment: the next pull looks at everything once more
            self.asked_at = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # the one form its filter takes

    def _refusal(self, response: httpx.Response, method: str, path: str) -> ApiError:
        status = response.status_code
        if status == 401:
            return ApiError(
                status,
                f"Label Studio at {self.url} refuses the token in {API_KEY}. Legacy tokens may be switched "
                "off there: make a personal access token under Account & Settings",
            )
        if response.has_redirect_location:
            elsewhere = one_line(response.headers["location"])
            return ApiError(
                status,
                f"{self.url} sends us to {elsewhere}, where your token was not sent: if that is your Label "
                "Studio, give it as --url",
            )
        detail = _detail(response)
        if status == 403 and "reserved network address" in detail:
            return ApiError(status, LOCAL_REFUSED)
        return ApiError(status, f"Label Studio refused {method} {path} ({status}): {detail}")


def _detail(response: httpx.Response) -> str:
    """What it says is wrong, in one line."""
    try:
        told = read_json(response.content)
        if not isinstance(told, dict):
            return one_line(str(told))
        detail = str(told.get("detail", told))
        errors = told.get("validation_errors")
        return one_line(f"{detail}: {errors}" if errors else detail)
    except (RecipeError, RecursionError):
        return one_line(response.reason_phrase)
