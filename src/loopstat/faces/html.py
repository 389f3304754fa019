"""The page: documents as one self-contained file, every text escaped, nothing asked of a network."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Float
from ..results import words
from ..results.chart import TONES, Chart, Line, Margin, Paths, Rule
from ..results.document import Block, Cell, Document, Section, Sheet
from . import svg
from .mathml import mathml

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

GAP = 65535  # a level that stands for no score
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
DIGITS = 8  # of coordinates: more than any screen shows
FALLBACK = 250  # scores of single sessions in a picture of lines that is there before any script


def page(documents: Document | Sequence[Document]) -> str:
    """Return one page of one or several documents."""
    several = [documents] if isinstance(documents, Document) else list(documents)
    library = files("loopstat.faces") / "vendor" / "uplot"
    script = (library / "uPlot.iife.min.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html")
        .render(
            documents=several,
            tones=TONES,
            live=any(isinstance(b, Chart) and b.live for d in several for b in _every(d.sections)),
            uplot_css=(library / "uPlot.min.css").read_text(encoding="utf-8"),
            uplot_js=script[script.index("*/") + 2 :],  # its banner holds an address
        )
    )


def fragment(document: Document) -> str:
    """Return a document for a notebook: the answer, facts and tables, without scripts or styles of its own."""
    return _environment().get_template("fragment.html").render(document=document)


def _every(blocks: Iterable[Block | Section]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Section):
            yield from _every(block.blocks)
        else:
            yield block


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("loopstat.faces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "cell": words.cell,
        "number": words.number,
        "clean": lambda said: words.clean_sentence(said).replace("\xa0", " "),
        "draw": _drawn,
        "live": live,
        "runs": runs,
        "kind": _kind,
        "keyed": keyed,
        "sorted_by": _sorted_by,
        "shade": shades,
        "identity": id,
        "mathml": _formula,
    }
    made.tests["cell"] = lambda part: isinstance(part, Cell)
    made.tests["paths"] = lambda chart: any(isinstance(m, Paths) for m in chart.marks)
    return made


def _formula(tex: str) -> Markup:
    from markupsafe import Markup

    bare = mathml(tex).replace(NAMESPACE, "")  # as in any page: an address is needed in XML alone
    return Markup(bare)  # noqa: S704 - of formulas of ours, never of data


def _drawn(chart: Chart) -> Markup:
    from markupsafe import Markup

    shown = replace(chart, marks=tuple(_thinned(m) if isinstance(m, Paths) else m for m in chart.marks))
    return Markup(svg.draw(shown))  # noqa: S704 - finished and escaped by its writer


def _thinned(paths: Paths) -> Paths:
    """Return a few of many curves, evenly chosen: the script that draws all of them has them in fewer bytes."""
    y = np.asarray(paths.y)
    most = int(np.clip(FALLBACK // max(y.shape[1], 1), 5, 40))
    take = np.unique(np.linspace(0, len(y) - 1, min(most, len(y))).astype(int))
    return replace(paths, y=y[take], names=tuple(paths.names[k] for k in take if k < len(paths.names)))


def runs(blocks: Sequence[Block | Section]) -> list[tuple[bool, list[Block | Section]]]:
    """Return blocks in runs of charts, which stand side by side, and of others."""
    return [(drawn, list(run)) for drawn, run in itertools.groupby(blocks, lambda b: isinstance(b, Chart))]


def _kind(part: object) -> str:
    return type(part).__name__.lower()


def keyed(chart: Chart) -> tuple[tuple[str, str, str, str], ...]:
    """Return kind, stroke, tone and label of the marks that a key names, each once."""
    marks = [m for m in chart.marks if isinstance(m, Line | Margin | Paths | Rule) and m.label]
    strokes = [m.stroke if isinstance(m, Line | Rule) else "solid" for m in marks]
    return tuple(dict.fromkeys((_kind(m), s, m.tone, m.label) for m, s in zip(marks, strokes, strict=True)))


def _sorted_by(cell: Cell) -> str:
    """Return what a column of such cells is sorted by."""
    figure = cell.figures[0]
    return words.cell(cell) if figure is None else f"{figure:.6g}"


def shades(sheet: Sheet) -> dict[int, float]:
    """Return the shade in [-1, 1] of every figure of a signed matrix, by the identity of its cell."""
    figures = {id(c): c.figures[0] for row in sheet.rows for c in row if sheet.shade}
    known = {key: v for key, v in figures.items() if v is not None and np.isfinite(v)}
    most = max(map(abs, known.values()), default=0.0) or 1.0
    return {key: round(v / most, 2) for key, v in known.items()}


# ----------------------------------------------------------------- lines that answer hover


def live(chart: Chart) -> dict[str, Any]:
    """Return the data of a chart of lines over steps, as the page's script draws it."""
    lines = [m for m in chart.marks if isinstance(m, Line)]
    paths = next((m for m in chart.marks if isinstance(m, Paths)), None)
    grid = np.unique(np.concatenate([*(np.asarray(m.x) for m in lines), *([np.asarray(paths.x)] if paths else [])]))
    low, high = chart.y.limits or (None, None)
    return {
        "key": chart.key,
        "described": chart.described,
        "x": grid.tolist(),
        "xlabel": chart.x.label,
        "whole": chart.x.whole,
        "low": low,
        "high": high,
        "lines": [_line(m, grid) for m in lines],
        "rules": [_rule(m) for m in chart.marks if isinstance(m, Rule)],
        "margins": [_margin(m) for m in chart.marks if isinstance(m, Margin)],
        "paths": None if paths is None else _packed(paths, grid),
    }


def _line(line: Line, grid: Float) -> dict[str, Any]:
    position = np.searchsorted(grid, line.x)
    columns = {}
    for key in ("y", "low", "high"):
        values = getattr(line, key)
        on_grid = np.full(len(grid), np.nan)
        if values is not None:
            on_grid[position] = values
        columns[key] = None if values is None else _plain(on_grid)
    return {**columns, "label": line.label, "tone": line.tone, "strong": line.strong, "stroke": line.stroke}


def _rule(rule: Rule) -> dict[str, Any]:
    ends = _plain((rule.at, rule.low, rule.high))
    look = {"label": rule.label, "tone": rule.tone, "stroke": rule.stroke}
    return {"axis": rule.axis, "figure": ends, "band": rule.low is not None, **look}


def _margin(margin: Margin) -> dict[str, Any]:
    return {"figure": _plain(margin.figure.figures), "label": margin.label, "tone": margin.tone}


def _plain(values: Iterable[float | None]) -> list[float | None]:
    return [None if v is None or not np.isfinite(v) else float(f"{v:.{DIGITS}g}") for v in values]


def _packed(paths: Paths, grid: Float) -> dict[str, Any]:
    """Return levels between the lowest and the highest score as 16-bit numbers, row by row, base64."""
    y = np.asarray(paths.y, dtype=np.float64)
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    levels = np.full((len(y), len(grid)), GAP, dtype="<u2")
    known = np.round((y - low) / (high - low if high > low else 1.0) * (GAP - 1))
    levels[:, np.searchsorted(grid, paths.x)] = np.where(np.isnan(y), GAP, known).astype("<u2")
    packed = base64.b64encode(levels.tobytes()).decode()
    return {"low": low, "high": high, "levels": packed, "names": list(paths.names), "label": paths.label}
