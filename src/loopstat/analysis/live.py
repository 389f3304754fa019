"""An analysis while a hand moves a price or a weight: decisions are made anew, where the loop goes stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decide.lens import estimator_of
from ..decide.live import followed
from ..panel.panel import Panel
from ..parameters import HOW_READ
from .analyze import Analysis, together


def live(panel: Panel, options: Mapping[str, Any], last: Analysis | None) -> Analysis | None:
    """Return what a whole run would say, where no more than price, weights or the group shown have moved.

    Parameters
    ----------
    panel : Panel
    options : mapping
        Values of the command's settings by name.
    last : Analysis or None
        The last whole result for this panel, which differs in nothing else.

    Returns
    -------
    Analysis or None
        None where only a whole run will do.
    """
    if last is None or last.drift is None or last.decisions is None:
        return None
    found = followed(panel, estimator_of(options), last.decisions)
    if found is None:
        return None
    read = {name: last.settings.get(name) for name in HOW_READ}
    return together(last.drift, found, {**read, "group": options.get("group"), "command": options.get("command")})
