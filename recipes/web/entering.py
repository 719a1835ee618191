"""The secret link: it becomes a cookie only by a page of ours, and only after both names were in view.

The link may be followed from anywhere, also from a page that wants you to work in somebody else's name. So
the link itself changes nothing. Its page asks whose link it is and who is signed in here, has the person
choose where the two differ, and posts both names with the token; no other site's page can post here.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from spanloop.recipes.web.asked import Entering as Posted
from spanloop.recipes.web.assets import Assets
from spanloop.recipes.web.door import Door
from spanloop.recipes.web.guard import refuse
from spanloop.recipes.web.received import json_body
from spanloop.recipes.web.replies import Entered
from spanloop.recipes.web.wire import WireError, read

NO_LINK = "this link is not valid (any more): ask for a new one"
DIRECT = frozenset({"none", "same-origin"})  # typed, from a bookmark or another program; from a page of ours
MONTH_SECONDS = 30 * 86400


class Entering:
    """The two routes of a link: its page, and the sign-in that the page asks for."""

    def __init__(self, door: Door, cookie: str, assets: Assets) -> None:
        self._door = door
        self._cookie = cookie
        self._assets = assets

    async def page(self, request: Request) -> Response:
        """The page that a link opens; it knows whether it was opened by another site."""
        token = request.query_params.get("token", "")
        if await run_in_threadpool(self._door.by_link, token) is None:
            return refuse(NO_LINK, 401)
        body = self._assets.body("enter.html")
        if request.headers.get("sec-fetch-site") in DIRECT:
            body = body.replace(b'data-from="elsewhere"', b'data-from="here"')
        return Response(body, media_type="text/html")

    async def sign_in(self, request: Request) -> Response:
        """Whose link it is and who is signed in; with both names in the request, the cookie."""
        posted = read(Posted, await json_body(request))
        wanted = await run_in_threadpool(self._door.by_link, posted.token)
        if wanted is None:
            raise WireError(NO_LINK, 401)
        now, named = request.state.annotator, posted.named
        entered: Entered = {"annotator": wanted, "now": now, "signed_in": named is not None}
        reply = JSONResponse(entered)
        if named is None:
            return reply
        if named != (wanted, now):
            raise WireError(f"this link is {wanted}'s and {now or 'nobody'} is signed in here", 409)
        reply.set_cookie(
            self._cookie,
            posted.token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            max_age=MONTH_SECONDS,
        )
        return reply
