"""What decodes requests, made once for each type: most routes share theirs."""

from __future__ import annotations

from typing import Any

import msgspec

from gofer.server.api.body import AnyBody, Body
from gofer.server.api.endpoint import Endpoint, Input
from gofer.server.api.parameters import Parameters


class Decoders:
    """Keeps what it has made."""

    def __init__(self) -> None:
        self._parameters: dict[type[Input], Parameters[Any]] = {}
        self._bodies: dict[type[msgspec.Struct], AnyBody] = {}

    def parameters(self, shape: type[Input]) -> Parameters[Any]:
        """Of a path or a query."""
        if shape not in self._parameters:
            self._parameters[shape] = Parameters(shape)
        return self._parameters[shape]

    def body(self, shape: type[msgspec.Struct], endpoint: Endpoint) -> AnyBody:
        """Of an endpoint's body; one that is decoded in a way of its own is not shared."""
        if endpoint.decode is not None:
            return Body(shape, endpoint.decode)
        if shape not in self._bodies:
            self._bodies[shape] = Body(shape, None)
        return self._bodies[shape]
