"""One call of `gofer`: what the global options, the environment and the file say, and what commands need from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gofer.cli.output import Output
    from gofer.client.address import Server
    from gofer.client.http import Client
    from gofer.config.client import ClientSettings

_WHERE = ("namespace", "host", "ca_file", "insecure", "token_file", "config")
_FLAGS = ("insecure",)


class Invocation:
    """Made by the root command; everything in it is made when it is first asked for."""

    def __init__(self) -> None:
        self.overrides: dict[str, str] = {}
        self.warns = True
        """Whether a person is there to be told of risks; while a shell completes a word nobody is."""
        self._settings: ClientSettings | None = None
        self._exposed: Path | None = None
        self.token_from = ""
        """Where the token comes from, in words, once the settings have been read."""
        self._server: Server | None = None
        self._output: Output | None = None
        self._client: Client | None = None

    def override(self, name: str, value: str) -> None:
        """Take over a global option; the one that stands last on the command line wins."""
        self.overrides[name] = value
        self._settings = self._output = None

    def take(self, name: str) -> str | None:
        """A global option that means something else to one command; nobody else sees it then."""
        self._settings = self._output = None
        return self.overrides.pop(name, None)

    @property
    def settings(self) -> ClientSettings:
        """Options before environment before file. Raises ConfigError."""
        if self._settings is None:
            from gofer.config.client import load_client_settings

            given = {name: value for name, value in self.overrides.items() if name != "config"}
            path = self.overrides.get("config")
            loaded = load_client_settings(Path(path) if path else None, os.environ, given)
            self._settings, self._exposed, self.token_from = loaded
        return self._settings

    @property
    def namespace(self) -> str:
        return self.settings.namespace

    @property
    def output(self) -> Output:
        if self._output is None:
            from gofer.cli.output import Output

            settings = self.settings
            self._output = Output(settings.format, colors=not settings.no_color)
        return self._output

    @property
    def client(self) -> Client:
        """Connects when it is first used."""
        if self._client is None:
            from gofer.client.http import Client

            self._client = Client(self.server)
        return self._client

    @property
    def server(self) -> Server:
        """Where the server is, for streams. When this is first asked for, a person is told what is risky about it.

        Raises ConfigError.
        """
        if self._server is None:
            from gofer.client.address import Server, parse_address, parse_token
            from gofer.client.risks import risks

            settings = self.settings
            token = settings.token
            if settings.token_file:
                from gofer.config.token_file import read_token

                token, exposed = read_token(settings.token_file)
                self._exposed = Path(settings.token_file) if exposed else self._exposed
            server = Server(
                parse_address(settings.host),
                parse_token(token),
                str(settings.ca_file or ""),
                settings.insecure,
            )
            found = list(risks(server))
            if self._exposed is not None:
                from shlex import quote

                path = quote(str(self._exposed))
                found.append(f"others may read {path}, and there is a token in it: chmod 600 {path}")
            for risk in found if self.warns else ():
                self.output.warn(risk)
            self._server = server
        return self._server

    def command(self, name: str, arguments: str = "") -> str:
        """A `gofer` command for a person to copy, with the options that say where and in which namespace."""
        from shlex import quote

        given = [
            f"--{option.replace('_', '-')}" + ("" if option in _FLAGS else f" {quote(str(self.overrides[option]))}")
            for option in _WHERE
            if option in self.overrides
        ]
        return " ".join(part for part in ["gofer", name, arguments, *given] if part)

    def close(self) -> None:
        """Give the connection up, if there is one."""
        if self._client is not None:
            self._client.close()
