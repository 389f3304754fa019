"""Nodes and the links between them."""

from __future__ import annotations

import math
from html import escape

from ...results.chart import (
    Edge,
    Graph,
    Node,
)
from .pieces import (
    DASHES,
    LETTER,
    Frame,
    segment,
    symbol,
    text,
)


def draw_graph(graph: Graph, f: Frame) -> list[str]:
    """Return nodes and edges as elements, edges below."""
    at = {node.key: (f.x(node.x), f.y(node.y)) for node in graph.nodes}
    size = {node.key: node.radius for node in graph.nodes}
    out = [_edge(edge, at, size) for edge in graph.edges if edge.start in at and edge.end in at]
    for node in graph.nodes:
        out += _node(node, *at[node.key], size[node.key], f)
    return out


def _node(node: Node, x: float, y: float, r: float, f: Frame) -> list[str]:
    out = []
    if node.low is not None and node.high is not None:
        low, high = (min(max(v, f.y_limits[0]), f.y_limits[1]) for v in (node.low, node.high))
        out.append(segment(x, f.y(low), x, f.y(high), f"bar narrow t-{node.tone}"))
    out.append(symbol(node.shape, x, y, node.tone, node.words or node.label, r))
    if node.label:
        half = LETTER * len(node.label) / 2
        middle = min(max(x, f.left + half), f.right - half)
        spots = {
            "above": (middle, y - r - 4, "middle"),
            "below": (middle, y + r + 13, "middle"),
            "right": (x + r + 4, y + 4, "start"),
            "left": (x - r - 4, y + 4, "end"),
        }
        at_x, at_y, anchor = spots[node.side]
        out.append(text(at_x, at_y, node.label, "small halo", anchor))
    return out


def _edge(edge: Edge, at: dict[str, tuple[float, float]], size: dict[str, float]) -> str:
    """Draw a link as a bow between the rims of its nodes."""
    (x1, y1), (x2, y2) = at[edge.start], at[edge.end]
    long = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / long, (y2 - y1) / long
    bend = edge.bend * long
    cx, cy = (x1 + x2) / 2 - uy * bend, (y1 + y2) / 2 + ux * bend
    x1, y1 = x1 + ux * size[edge.start], y1 + uy * size[edge.start]
    gap = size[edge.end] + (6 if edge.directed else 0)
    x2, y2 = x2 - ux * gap, y2 - uy * gap
    told = f"<title>{escape(edge.words)}</title>" if edge.words else ""
    wide = 1 + 5 * max(edge.weight, 0.0)
    d = f"M{x1:.1f},{y1:.1f}Q{cx:.1f},{cy:.1f} {x2:.1f},{y2:.1f}"
    head = _head(cx, cy, x2, y2, 4 + wide) if edge.directed else ""
    look = f'stroke-width="{wide:.1f}"{DASHES[edge.stroke]}'
    return f'<g class="link t-{edge.tone}">{told}<path d="{d}" {look}/>{head}</g>'


def _head(cx: float, cy: float, x: float, y: float, long: float) -> str:
    n = math.hypot(x - cx, y - cy) or 1.0
    ux, uy = (x - cx) / n, (y - cy) / n
    a = f"{x + ux * 6:.1f},{y + uy * 6:.1f}"
    b = f"{x - uy * long / 2:.1f},{y + ux * long / 2:.1f}"
    c = f"{x + uy * long / 2:.1f},{y - ux * long / 2:.1f}"
    return f'<polygon points="{a} {b} {c}"/>'
