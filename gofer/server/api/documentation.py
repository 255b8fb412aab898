"""The routes of the API's own description."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec

from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoPath, NoQuery, Socket, Text

TAG = "documentation"
_JSON = "application/json"
_HTML = "text/html; charset=utf-8"


class Documentation:
    """Describes `described` and itself; made when it is first asked for, and kept."""

    def __init__(self, described: Sequence[Endpoint], sockets: Sequence[Socket]) -> None:
        self._described = described
        self._sockets = sockets

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        return [
            Endpoint(
                method="GET",
                path="/api/openapi.json",
                handler=self.openapi,
                summary="This description, as OpenAPI 3.1",
                tag=TAG,
                permission="docs:read",
                content=(_JSON,),
            ),
            Endpoint(
                method="GET",
                path="/api/docs",
                handler=self.page,
                summary="This description, as a page",
                tag=TAG,
                permission="docs:read",
                content=(_HTML,),
            ),
        ]

    async def openapi(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """The OpenAPI document."""
        return self._openapi

    async def page(self, call: Call[NoPath, NoQuery, NoBody]) -> Text:
        """The documentation page."""
        return self._page

    @cached_property
    def _openapi(self) -> Text:
        # Asked for by few.
        from gofer.server.api.openapi import document

        found = document([*self._described, *self.endpoints()], self._sockets)
        return Text(msgspec.json.encode(found), _JSON)

    @cached_property
    def _page(self) -> Text:
        from gofer.server.api import docs_page

        page = docs_page.page(msgspec.json.decode(self._openapi.body))
        return Text(page, _HTML, docs_page.policy())
