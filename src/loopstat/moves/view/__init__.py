"""What is said and drawn of loops of moves: `Document`s of simulations, plans, calibrations and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .calibrations import calibration as calibration
from .listing import settings as settings
from .plans import plan as plan
from .simulations import simulation as simulation

if TYPE_CHECKING:
    from ...results.document import Document


def document(result: Any) -> Document:
    """Return everything said about a result of this lens, whichever it is."""
    return VIEWS[type(result).__name__](result)


VIEWS: dict[str, Callable[[Any], Document]] = {
    "Simulation": simulation,
    "MovesRun": simulation,
    "Purchase": plan,
    "Plan": plan,
    "Calibration": calibration,
    "Listing": settings,
}
"""Name of a result's type to its view: the types themselves need numpy and more, which help does not."""
