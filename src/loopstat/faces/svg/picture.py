"""A chart as a finished `<svg>`."""

from __future__ import annotations

from html import escape

from ...results.chart import (
    TONES,
    Bars,
    Chart,
    Dots,
)
from .plane import draw_plane
from .rows import draw_rows


def draw(chart: Chart, *, alone: bool = False) -> str:
    """Return a chart as a finished, escaped `<svg>`.

    Parameters
    ----------
    chart : Chart
    alone : bool
        With its own colours and fonts, to stand outside a page.
    """
    rows = [m for m in chart.marks if isinstance(m, Dots | Bars)]
    width, height, body = draw_rows(chart, rows[0]) if rows else draw_plane(chart)
    words = escape(chart.described or chart.title)
    style = f"<style>{_style()}</style>" if alone else ""
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    return (
        f'<svg{space} class="pic" role="img" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'aria-label="{words}"><title>{words}</title>{style}{"".join(body)}</svg>'
    )


def _style() -> str:
    """Return what the page's stylesheet says of pictures, for one that stands alone."""
    from importlib.resources import files

    sheet = (files("loopstat.faces") / "templates" / "svg.css").read_text(encoding="utf-8")
    light = "".join(f".t-{name}{{color:{tone[0]}}}" for name, tone in TONES.items())
    dark = "".join(f".t-{name}{{color:{tone[1]}}}" for name, tone in TONES.items())
    ground = ".pic{--ink:#1b1d20;--soft:#5c636b;--line:#dfe3e7;--paper:#fff}"
    night = ".pic{--ink:#e8eaed;--soft:#a6adb5;--line:#343a40;--paper:#15171a}"
    return f"{ground}{light}{sheet}@media (prefers-color-scheme:dark){{{night}{dark}}}"
