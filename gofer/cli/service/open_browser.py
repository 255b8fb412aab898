"""Opening a page in the browser of the person who started the server, if there is one."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
from collections.abc import Mapping

_OPENERS = ("xdg-open", "wslview", "gnome-open", "open")
_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
# What a one-file program adds for its own libraries, which are not the browser's.
_FOREIGN = "LD_LIBRARY_PATH"


def open_browser(url: str, environ: Mapping[str, str]) -> bool:
    """Ask the desktop to show `url`, without waiting for it. False where there is no desktop, or nothing to ask.

    A browser that would take over the terminal is never started.
    """
    command = _command(environ)
    if command is None:
        return False
    child = {name: value for name, value in environ.items() if name != _FOREIGN}
    if original := environ.get(f"{_FOREIGN}_ORIG"):
        child[_FOREIGN] = original
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            [*command, url], env=child, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except OSError:
        return False
    threading.Thread(target=process.wait, name="browser", daemon=True).start()
    return True


def _command(environ: Mapping[str, str]) -> list[str] | None:
    """What opens an address: `$BROWSER` (see xdg-open(1)), else the desktop's own opener."""
    if not any(environ.get(name) for name in _DESKTOPS):
        return None
    named = map(_words, environ.get("BROWSER", "").split(":"))
    for command in [*named, *([opener] for opener in _OPENERS)]:
        found = shutil.which(command[0], path=environ.get("PATH")) if command else None
        if found is not None:
            return [found, *command[1:]]
    return None


def _words(text: str) -> list[str]:
    """Empty for what no shell would understand."""
    try:
        return shlex.split(text.replace("%s", ""))
    except ValueError:
        return []
