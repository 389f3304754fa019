"""What moves a decision on the interactive page: the price of a step, and what objectives weigh."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...results.document import Handle
from ...results.words import clean_sentence
from ..analysis import Decisions
from ..fit import Units
from ..rows import DEFAULT_PRICE

BEYOND = 2.0  # times the largest worth of a step, or the weight of a standard deviation: where a slider ends
ROOM = 5.0  # times the price of a step unless asked: where its slider ends at least
AT_LEAST = 0.5  # standard deviations: where the slider of the price ends if no step is worth anything


def handles(result: Decisions) -> tuple[Handle, ...]:
    """Return the sliders of decisions; none for those read back from JSON."""
    units = result.units
    if units is None:
        return ()
    return (*_of_price(result, units), *_of_weights(result, units))


def _of_price(result: Decisions, units: Units) -> Iterator[Handle]:
    worth = [float(s.worth.value) for g in result.groups for s in g.price_map]
    most = max([w for w in worth if np.isfinite(w)], default=0.0)
    if units.cost is not None:
        asked = 1.0 / units.price
        least = asked if most <= 0 else 1.0 / (BEYOND * most)
        high = _round_up(max(10.0 * least, BEYOND * asked))
        name = clean_sentence(units.cost)
        yield Handle("worth", high / 1000, high, asked, label=f"{name} that buy 1", unit=name)
        return
    usual = DEFAULT_PRICE * units.spread  # stands well inside, however little steps are worth
    high = _round_up(max(BEYOND * most, ROOM * usual) if most > 0 else AT_LEAST * units.spread or 1.0)
    yield Handle("price", 0.0, max(high, units.price), units.price, label="price of a step", unit=_unit(units))


def _unit(units: Units) -> str:
    """Return what a price is counted in: one objective's own unit, or that of the weighted sum."""
    return clean_sentence(next(iter(units.value))) if len(units.value) == 1 else "weighted value"


def _of_weights(result: Decisions, units: Units) -> Iterator[Handle]:
    if len(units.value) < 2:
        return
    varied = [name for name in units.spreads if units.spreads[name] > 0]
    for name, weight in units.value.items():
        sd = units.spreads[name]
        high = _round_up(BEYOND / (len(varied) * sd)) if sd > 0 else 1.0
        yield Handle(
            *("weights", 0.0, max(high, weight), weight, name),
            label=f"weight of {clean_sentence(name)}",
        )


def _round_up(value: float) -> float:
    """Return the next value of one or two digits."""
    if not value > 0:
        return 1.0
    size = math.floor(math.log10(value)) - 1
    return float(f"{math.ceil(value / 10.0**size - 1e-9)}e{size}")
