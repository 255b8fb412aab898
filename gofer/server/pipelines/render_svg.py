"""The graph as one self-contained SVG: no scripts, no style sheets, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from gofer.models.manifest import Condition, Manifest
from gofer.models.status import TaskStatus
from gofer.server.pipelines.graph import Node, expand
from gofer.server.pipelines.layout import Layout, arrange

_HEIGHT = 44
_GAP = 14
_POINT = 12
_CHANNEL = 72
_MARGIN = 16
_LEGEND = 28
_ID_WIDTH, _IMAGE_WIDTH = 7.9, 6.1
_IMAGE_LENGTH = 36
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_COLOURS: dict[TaskStatus | None, tuple[str, str]] = {  # fill, edge
    None: ("#f8fafc", "#64748b"),
    TaskStatus.WAITING: ("#f8fafc", "#94a3b8"),
    TaskStatus.QUEUED: ("#f1f5f9", "#64748b"),
    TaskStatus.STARTING: ("#e0f2fe", "#0284c7"),
    TaskStatus.RUNNING: ("#dbeafe", "#1d4ed8"),
    TaskStatus.SUCCESSFUL: ("#dcfce7", "#15803d"),
    TaskStatus.FAILED: ("#fee2e2", "#b91c1c"),
    TaskStatus.CANCELLED: ("#fef3c7", "#b45309"),
    TaskStatus.SKIPPED: ("#f1f5f9", "#cbd5e1"),
}
_STROKES: dict[Condition, str] = {
    "successful": 'stroke="#64748b"',
    "failed": 'stroke="#b91c1c" stroke-dasharray="7 4"',
    "any": 'stroke="#64748b" stroke-dasharray="2 4"',
}
_LEGENDS: dict[Condition, str] = {"successful": "on success", "failed": "on failure", "any": "in any case"}


def to_svg(manifest: Manifest, statuses: Mapping[str, TaskStatus] | None = None) -> str:
    """The graph of a valid manifest, from left to right, as an SVG document; `statuses` by node id colours it."""
    nodes = expand(manifest)
    layout = arrange(nodes, _HEIGHT + _GAP, _POINT)
    lefts, widths, right = _columns(nodes, layout)
    y = [value + _MARGIN for value in layout.y]
    bottom = max((y[node.position] for node in nodes), default=0.0) + (_HEIGHT + _GAP) / 2
    bottom = max([bottom, *(value + _POINT / 2 for value in y[len(nodes) :])])
    conditions = [when for when in _STROKES if any(line.when == when for line in layout.lines)]
    height = bottom + _MARGIN + (_LEGEND if conditions not in ([], ["successful"]) else 0)
    title = _text(manifest.name or manifest.id)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:g}" height="{height:g}" '
        f'viewBox="0 0 {right:g} {height:g}" role="img" aria-label="{title}" font-family="{_FONT}">',
        f"<title>{title}</title>",
        '<g fill="none" stroke-width="1.5">',
        *_lines(layout, len(nodes), lefts, widths, y),
        "</g>",
    ]
    for node in nodes:
        column = layout.layer[node.position]
        status = (statuses or {}).get(node.id)
        parts.append(_box(node, lefts[column], y[node.position] - _HEIGHT / 2, widths[column], status))
    if height > bottom + _MARGIN:
        parts.extend(_legend(conditions, bottom + _MARGIN))
    return "\n".join([*parts, "</svg>", ""])


def _columns(nodes: Sequence[Node], layout: Layout) -> tuple[list[float], list[float], float]:
    """The left edge and the width of each column, and the width of the whole."""
    widths = [0.0] * (max(layout.layer, default=-1) + 1)
    for node in nodes:
        column = layout.layer[node.position]
        text = max(len(node.id) * _ID_WIDTH, len(_cut(_image(node))) * _IMAGE_WIDTH)
        widths[column] = max(widths[column], round(text + 36, 1))
    lefts: list[float] = []
    left = float(_MARGIN)
    for width in widths:
        lefts.append(round(left, 1))
        left += width + _CHANNEL
    return lefts, widths, round(max(left - _CHANNEL + _MARGIN, 2 * _MARGIN), 1)


def _lines(layout: Layout, count: int, lefts: list[float], widths: list[float], y: list[float]) -> list[str]:
    """One path for each start and condition."""
    bundles: dict[tuple[int, Condition], list[str]] = {}
    for line in layout.lines:
        first, last = layout.layer[line.start], layout.layer[line.end]
        x1, y1 = lefts[first] + widths[first], y[line.start]
        x2, y2 = lefts[last], y[line.end]
        bend = (x2 - x1) / 2
        piece = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
        # A point is passed straight through its whole column; at a node the line ends with an arrow.
        piece += f"h{widths[last]:g}" if line.end >= count else f"m-6 -4l6 4l-6 4M{x2:g} {y2:g}"
        bundles.setdefault((line.start, line.when), []).append(piece)
    return [f'<path {_STROKES[when]} d="{"".join(pieces)}"/>' for (_, when), pieces in bundles.items()]


def _box(node: Node, x: float, y: float, width: float, status: TaskStatus | None) -> str:
    fill, edge = _COLOURS[status]
    about = [node.id + (f": {status.value}" if status else ""), _image(node), node.task.description]
    return (
        f'<g transform="translate({x:g} {y:g})"><title>{_text(chr(10).join(line for line in about if line))}</title>'
        f'<rect width="{width:g}" height="{_HEIGHT}" rx="7" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'
        f'<circle cx="14" cy="{_HEIGHT / 2:g}" r="4" fill="{edge}"/>'
        f'<text x="26" y="19" font-size="13" fill="#0f172a">{_text(node.id)}</text>'
        f'<text x="26" y="34" font-size="10" fill="#475569">{_text(_cut(_image(node)))}</text></g>'
    )


def _legend(conditions: list[Condition], top: float) -> list[str]:
    parts: list[str] = []
    for i, when in enumerate(conditions):
        x, y = _MARGIN + i * 130, top + _LEGEND / 2 - 4
        parts.append(f'<path {_STROKES[when]} stroke-width="1.5" d="M{x} {y:g}h28"/>')
        parts.append(f'<text x="{x + 34}" y="{y + 4:g}" font-size="11" fill="#475569">{_LEGENDS[when]}</text>')
    return parts


def _image(node: Node) -> str:
    """The node's image with its own matrix values in it."""
    image = node.task.image
    for key, value in node.matrix.items():
        image = image.replace(f"matrix{{{{{key}}}}}", value)
    return image


def _cut(text: str) -> str:
    return text if len(text) <= _IMAGE_LENGTH else text[: _IMAGE_LENGTH - 1] + "…"


def _text(text: str) -> str:
    """Safe between tags and in attributes; characters that XML cannot hold are replaced."""
    return escape(_NOT_XML.sub("\ufffd", text))
