"""What was done with objects since the server began."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Tally:
    """For the metrics."""

    uploads: int = 0
    uploaded_bytes: int = 0
    downloads: int = 0
    downloaded_bytes: int = 0
    evicted: int = 0
    expired: int = 0
