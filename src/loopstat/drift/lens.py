"""The drift lens: its settings and words; light, so that help costs nothing. `analyze` is its command."""

from __future__ import annotations

from ..lenses import Lens
from .rows import FIT

LENS = Lens(
    "drift",
    "where the scores go, how fast, what trades off against what",
    (),
    terms="loopstat.drift.terms:TERMS",
    rows=FIT,
)
