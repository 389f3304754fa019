"""Write the pages and the picture that are made from the code and the bundled recordings: `python docs/build.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from xml.sax.saxutils import escape

import numpy as np

import loopstat as ls
from loopstat.decide.view.charts import curve
from loopstat.faces.explain import markdown
from loopstat.faces.svg.picture import draw
from loopstat.io.recordings import path

HERE = Path(__file__).parent
BLUE, ORANGE, GREEN, PINK, INK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#1b1d20", "#8a9097"
WIDTH, HEIGHT = 960, 360


# ------------------------------------------------------------------ the reference page


def reference() -> str:
    """Return one section per public name: signature and docstring."""
    lines = ["# Python", "", "*What can I import?* Every public name with its signature and docstring.", ""]
    for name in ls.__all__:
        if name == "__version__":
            continue
        thing = getattr(ls, name)
        lines += [f"## {name}", "", "```text", f"{name}{signature(thing)}", "", inspect.getdoc(thing) or "", "```", ""]
        for member in public_methods(thing):
            lines += [f"- `{name}.{member.name}{member.signature}`: {member.first_line}"]
        lines += [""]
    return "\n".join(lines)


def signature(thing: object) -> str:
    """Return the call signature without annotations, or nothing."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return ""
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return str(inspect.Signature(plain)) if inspect.isfunction(thing) or inspect.isclass(thing) else ""


def public_methods(thing: object) -> list[SimpleNamespace]:
    """Return the documented public methods a class defines itself."""
    if not inspect.isclass(thing):
        return []
    out = []
    for name, member in vars(thing).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        text = (inspect.getdoc(function) or "").split("\n")[0]
        parameters = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
        out.append(SimpleNamespace(name=name, signature=f"({', '.join(parameters)})", first_line=text))
    return out


# ------------------------------------------------------------------------- the picture


def picture() -> str:
    """Return an SVG: kept path against proposals of a lineage, and interference by kind of game."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        "<title>Left: the kept version climbs while its proposals alone would rest lower. "
        "Right: what one player gains the other loses, or both gain, by kind of game.</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *lineage_panel(),
        *games_panel(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def lineage_panel() -> list[str]:
    """Draw the mean kept path of two models with bands, and where proposals alone would rest."""
    panel = ls.read(path("llamea"), objectives=["fitness"])
    groups = ls.analyze(panel, by=["model"]).groups
    x = scale(0, 99, 60, 430)
    y = scale(0, 0.42, 310, 50)
    out = [text(60, 28, "Evolutionary code search: fitness of the version kept", weight=600), *axis(x, y)]
    for group, colour in zip(sorted(groups, key=lambda g: g.label, reverse=True), (BLUE, ORANGE), strict=False):
        steps, band = group.path.step, group.path
        upper = [f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, band.high[:, 0], strict=True)]
        lower = [f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, band.low[:, 0], strict=True)][::-1]
        out.append(f'<polygon points="{" ".join(upper + lower)}" fill="{colour}" opacity="0.2"/>')
        line = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, band.mean[:, 0], strict=True))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        name = group.by["model"]
        out.append(text(x(99), y(band.mean[-1, 0]) - 12, f"{name}: kept", colour, anchor="end"))
        rest = group.estimates["drift.fixed_point"]
        value, low, high = (float(v[0]) for v in (rest.value, rest.low, rest.high))
        if name == "gpt-4o":
            out.append(
                f'<rect x="{x(0)}" y="{y(high):.1f}" width="{x(99) - x(0)}" height="{y(low) - y(high):.1f}" '
                f'fill="{colour}" opacity="0.1"/>'
            )
            out.append(
                f'<line x1="{x(0)}" x2="{x(99)}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{colour}" '
                'stroke-width="1.5" stroke-dasharray="6 4"/>'
            )
            label = f"{name}: its proposals alone would rest at {value:.2f} [{low:.2f}, {high:.2f}]"
            out.append(text(x(99), y(low) + 18, label, colour, anchor="end"))
    return out


def games_panel() -> list[str]:
    """Draw the correlation of both players' changes, with intervals, by family of game."""
    panel = ls.read(path("repeated_games"), objectives=["points1", "points2"])
    groups = ls.analyze(panel, by=["strategy"]).groups
    found = sorted(
        ((g.estimates["interference.total"], g.by["strategy"]) for g in groups), key=lambda f: f[0].value[0, 1]
    )
    x = scale(-1, 1, 610, 930)
    out = [text(530, 28, "Repeated games: correlation of both players' changes", weight=600)]
    out.append(f'<line x1="{x(0)}" x2="{x(0)}" y1="45" y2="310" stroke="{GREY}"/>')
    for k, (e, name) in enumerate(found):
        value, low, high = (float(v[0, 1]) for v in (e.value, e.low, e.high))
        row = 65 + 36 * k
        colour = ORANGE if high < 0 else BLUE if low > 0 else GREY
        out.append(
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{row}" y2="{row}" stroke="{colour}" stroke-width="3"/>'
        )
        out.append(f'<circle cx="{x(value):.1f}" cy="{row}" r="5.5" fill="{colour}"/>')
        out.append(text(600, row + 4, name, anchor="end"))
    out += [text(x(v), 330, f"{v:g}", GREY, anchor="middle") for v in (-1, -0.5, 0, 0.5, 1)]
    return [
        *out,
        text(x(-1), 350, "one gains, the other loses", ORANGE),
        text(x(1), 350, "both gain", BLUE, anchor="end"),
    ]


def held_picture() -> str:
    """Return an SVG: the mean value held in a code search, and the line of the price."""
    panel = ls.read(path("llamea"), objectives=["fitness"])
    groups = ls.analyze(panel, by=["model"]).groups
    chart = curve(next(g for g in groups if g.by["model"] == "gpt-4o").decided, "stopping")
    return (draw(chart, alone=True) if chart else "") + "\n"


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Return the function from values to pixels."""
    return lambda v: float(start + (np.asarray(v, dtype=float) - low) / (high - low) * (end - start))


def axis(x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    """Draw light grid lines with their values."""
    out = []
    for v in (0, 0.1, 0.2, 0.3, 0.4):
        out.append(f'<line x1="{x(0)}" x2="{x(99)}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#e3e6e9"/>')
        out.append(text(52, y(v) + 4, f"{v:g}", GREY, anchor="end"))
    out += [text(x(v), 330, f"{v:g}", GREY, anchor="middle") for v in (0, 25, 50, 75, 99)]
    return [*out, text(x(50), 350, "step", GREY, anchor="middle")]


def text(x: float, y: float, words: str, colour: str = INK, *, anchor: str = "start", weight: int = 400) -> str:
    """Return an SVG text element."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="{colour}">{escape(words)}</text>'


if __name__ == "__main__":
    (HERE / "glossary.md").write_text(markdown(), encoding="utf-8")
    (HERE / "python.md").write_text(reference(), encoding="utf-8")
    (HERE / "picture.svg").write_text(picture(), encoding="utf-8")
    (HERE / "stopping.svg").write_text(held_picture(), encoding="utf-8")
