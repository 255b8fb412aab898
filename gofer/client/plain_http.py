"""`http.client` without ssl, which takes longer to load than all the rest of it. For https see `tls`."""

from __future__ import annotations

import sys

_SSL = sys.modules.get("ssl")
if _SSL is None:
    sys.modules["ssl"] = None  # type: ignore[assignment]  # `import ssl` raises ImportError, which http.client expects
try:
    import http.client
finally:
    if _SSL is None:
        del sys.modules["ssl"]

HTTPConnection = http.client.HTTPConnection
HTTPException = http.client.HTTPException
HTTPResponse = http.client.HTTPResponse
