"""Prints the API's description, of which the console's types are made: openapi.py > openapi.json"""

from __future__ import annotations

import json
import sys

from gofer.server.api.openapi import document
from gofer.server.routes import endpoints, sockets

if __name__ == "__main__":
    json.dump(document(endpoints(), sockets()), sys.stdout)
