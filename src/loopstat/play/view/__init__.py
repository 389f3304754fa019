"""What is said and drawn of loops and chains to play with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .chain import chain as chain
from .loop import loop as loop

if TYPE_CHECKING:
    from ...results.document import Document


def document(result: Any) -> Document:
    """Return everything said about a result of this lens, whichever it is."""
    return VIEWS[type(result).__name__](result)


VIEWS: dict[str, Callable[[Any], Document]] = {"LoopPlay": loop, "ChainPlay": chain}
"""Name of a result's type to its view."""
