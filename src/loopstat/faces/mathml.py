"""Formulas of ours as MathML, which browsers set themselves."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def mathml(tex: str) -> str:
    """Return a formula as MathML."""
    from latex2mathml.converter import convert

    return str(convert(tex, display="block"))
