"""Drawings of a manifest's graph."""

from __future__ import annotations

from gofer.server.pipelines.render_mermaid import to_mermaid
from gofer.server.pipelines.render_svg import to_svg
from gofer.server.pipelines.render_text import Row, symbol, text_rows, to_text

__all__ = ["Row", "symbol", "text_rows", "to_mermaid", "to_svg", "to_text"]
