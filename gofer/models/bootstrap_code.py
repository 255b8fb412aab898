"""What the command line and the server agree on for the first token."""

from __future__ import annotations

CODE_FILE = "bootstrap.code"
"""In the server's folder."""

DATABASE = "gofer.db"
"""There, too: it belongs to the user that the server runs as."""

PATTERN = r"[A-Za-z0-9_-]{43,128}"
"""A code is random: 32 bytes and more, in base64 for URLs."""

MAX_BYTES = 1024
