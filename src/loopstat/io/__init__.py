"""Tables in: files and dataframes to a Panel, to counted moves or to pools, and small tables to start from.

Whatever a table holds, it is read in one way: files and frames become a table (`table/opening.opened`: `Cells`, with
JSON forms made tables on the way), columns are found or refused by their `roles`, rows and groups by a
`groups.Selection`, and one builder a kind makes the record: `sessions.panel.panel_of`, `moves.counted`,
`pools.read_pool`, `versions.read_versions`. Texts become columns of scores on the way where that is asked for
(`scoring.columns.Scoring`).
"""

from __future__ import annotations

from .noise import read_scorer_noise
from .pools import PoolRecording, read_pool
from .read import read
from .recorded import Recording
from .scoring.columns import Scoring
from .states import read_recording
from .template import template

__all__ = [
    "PoolRecording",
    "Recording",
    "Scoring",
    "read",
    "read_pool",
    "read_recording",
    "read_scorer_noise",
    "template",
]
