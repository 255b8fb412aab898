"""The settings that hold while the server runs, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gofer.config.gather import Source
from gofer.config.load import Configuration
from gofer.config.settings import Settings
from gofer.config.table import build, flatten, table

_TLS = ("server.tls_cert_path", "server.tls_key_path")


class Change(NamedTuple):
    """What a newly read configuration means: `applied` change at once, `restart` with the next start. Keys."""

    configuration: Configuration
    applied: tuple[str, ...]
    restart: tuple[str, ...]


class Live:
    """What reads a setting when it needs it asks `settings`; what must be told follows it.

    `reread` reads the configuration again from where it came from; it may block.
    """

    def __init__(self, configuration: Configuration, reread: Callable[[], Configuration]) -> None:
        self.settings = configuration.settings
        self.sources: Mapping[str, Source] = configuration.sources
        self.restart: tuple[str, ...] = ()
        self.reread = reread
        self._followers: dict[str, Callable[[Any], None]] = {}

    @classmethod
    def fixed(cls, settings: Settings) -> Live:
        """Settings that come from no file."""
        configuration = Configuration(settings)
        return cls(configuration, lambda: configuration)

    def follow(self, followers: Mapping[str, Callable[[Any], None]]) -> None:
        """From now on tell the followers, by key, of each new value."""
        self._followers.update(followers)

    def compare(self, configuration: Configuration) -> Change:
        """What would change."""
        now, new = flatten(self.settings), flatten(configuration.settings)
        changed = [key for key in now if now[key] != new[key]]
        fixed = {setting.key for setting in table(Settings) if not setting.reloadable}
        if (now[_TLS[0]] is None) != (new[_TLS[0]] is None):
            # Whether there is TLS at all is decided when the server begins to listen.
            fixed.update(_TLS)
        restart = tuple(key for key in changed if key in fixed)
        return Change(configuration, tuple(key for key in changed if key not in fixed), restart)

    def adopt(self, change: Change) -> None:
        """Let it hold. What needs a restart keeps its value and the place where that came from."""
        now, new = flatten(self.settings), flatten(change.configuration.settings)
        kept, self.restart = set(change.restart), change.restart
        told = change.configuration.sources
        sources = {key: source for key, source in told.items() if key not in kept}
        self.sources = sources | {key: source for key, source in self.sources.items() if key in kept}
        self.settings = build(Settings, {key: now[key] if key in kept else new[key] for key in now})
        for key in change.applied:
            if key in self._followers:
                self._followers[key](new[key])
