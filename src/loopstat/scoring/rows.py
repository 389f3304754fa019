"""Settings of scoring, one row each; light, so that help costs nothing."""

from __future__ import annotations

from ..parameters import SCORERS, number, whole, words

LINES = number(
    "lines",
    "",
    30.0,
    "Logical lines that a solution of the task takes; functionality is held back below them.",
    1,
    unit="logical lines",
    metavar="N",
)
LINES_FROM = words(
    "lines_from", "Column that says --lines row by row, by task; rows without have --lines.", metavar="COL", of="column"
)
SUITE = words("suite", "Scorers, joined into one vector. Default: python.", "list", metavar="A,B", offers=SCORERS)
TABLE = words("table", "A table with a column of texts.", "path", metavar="FILE")
WORKERS = whole("workers", "", None, "Processes. Default: as many as there are cores.", 1)
