"""Numbers, counts, chances and names in words: the one place that turns a figure into text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..inference.estimate import number as number
from ..inference.estimate import show as show
from .cell import Cell, Part

MISSING = "–"
MAX_NAME = 60
MAX_WORD = 300
MAX_SENTENCE = 5000

Figure = float | None


# ----------------------------------------------------------------------------- figures


def percent(value: Figure, low: Figure = None, high: Figure = None) -> str:
    """Return a share as a percentage with its interval.

    Examples
    --------
    >>> percent(0.314), percent(0.31, 0.28, 0.35), percent(0.0), percent(1.0)
    ('31 %', '31 % [28, 35]', '0 %', '100 %')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value in (0, 1) and (low is None or high is None or math.isnan(low) or math.isnan(high)):
        return f"{100 * value:.0f} %"
    said = show(*(None if v is None else 100 * v for v in (value, low, high)))
    return said.replace(" [", " % [", 1) if " [" in said else f"{said} %"


def signed(value: Figure, low: Figure = None, high: Figure = None) -> str:
    """Return a part of a sum with its sign, `+0.12`."""
    said = f"{value:+.2f}" if value is not None and low is None else show(value, low, high)
    return said if said.startswith(("-", "+")) or value is None or value <= 0 else f"+{said}"


def chance(p: Figure) -> str:
    """Return a p-value in words: below a thousandth its digits say nothing.

    Examples
    --------
    >>> chance(0.0004), chance(0.032), chance(None)
    ('p < 0.001', 'p 0.032', 'p not known')
    """
    if p is None or math.isnan(p):
        return "p not known"
    return "p < 0.001" if p < 0.001 else f"p {number(p)}"


def probability(value: Figure) -> str:
    """Return a probability; more digits near 1 and near 0, where they matter."""
    if value is None or not math.isfinite(value):
        return MISSING
    return number(value, 2) if 0.01 <= value < 0.995 else number(value, 4 if value >= 0.995 else 1)


def count(value: Figure) -> str:
    """Return a count; counts may have fractions."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def whole(value: Figure, low: Figure = None, high: Figure = None) -> str:
    """Return a number of steps, moves or a cost with its interval: whole where whole or large; an open end is ∞."""
    if value is None or not math.isfinite(value):
        return MISSING
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return _whole(value)
    ends = [_whole(end) if math.isfinite(end) else "∞" for end in (low, high)]
    return _whole(value) if ends == [_whole(value)] * 2 else f"{_whole(value)} [{', '.join(ends)}]"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else number(value, 3)


def times(value: Figure, low: Figure = None, high: Figure = None) -> str:
    """Return a ratio, `1.32 [1.10, 1.60]`: two decimals in the ordinary range."""
    ends = [v for v in (value, low, high) if v is not None]
    if len(ends) < 3 or not all(0.1 <= v < 10 for v in ends):
        return show(value, low, high) if value is not None else MISSING
    said = [f"{v:.2f}" for v in ends]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def plural(n: Figure, word: str) -> str:
    """Return a count with its word.

    Examples
    --------
    >>> plural(1, "reviewer"), plural(0, "reviewer"), plural(1234, "transition")
    ('1 reviewer', 'no reviewers', '1,234 transitions')
    """
    head = "no" if n == 0 else count(n)
    return f"{head} {word}{'' if n == 1 else 's'}"


def counted(n: Figure, word: str = "") -> str:
    """Return a count in words where it is known, `1,234 transitions`."""
    if n is None:
        return f"no {word}s known" if word else MISSING
    return f"{count(n)} {word}{'' if n == 1 else 's'}" if word else count(n)


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return words as a list, `a, b and c`."""
    every = list(words)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {last} {every[-1]}" if every else ""


# --------------------------------------------------------------------- names, sentences


def clean(text: str) -> str:
    """Return a name made harmless for a terminal: control characters shown as escapes, length bounded."""
    safe = _printable(text)
    return safe if len(safe) <= MAX_NAME else safe[: MAX_NAME - 1] + "…"


def clean_sentence(text: str) -> str:
    """Return a sentence with control characters shown as escapes and overlong words cut."""
    safe = _printable(text)
    if len(safe) <= MAX_WORD:
        return safe
    safe = " ".join(word if len(word) <= MAX_WORD else word[: MAX_NAME - 1] + "…" for word in safe.split(" "))
    return safe if len(safe) <= MAX_SENTENCE else safe[: MAX_SENTENCE - 1] + "…"


def shorten(words: str, most: int) -> str:
    """Return a label that fits, cut in its middle."""
    return words if len(words) <= most else words[: most // 2] + "…" + words[len(words) - most // 2 + 1 :]


def kept(words: str) -> str:
    """Return words that wrapping shall not take apart: no-break spaces, which the terminal undoes."""
    return words.replace(" ", "\xa0")


def _printable(text: str) -> str:
    if text.isprintable() or text.replace("\xa0", " ").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\xa0" else c.encode("unicode_escape").decode() for c in text)


# -------------------------------------------------------------------------------- cells


def cell(given: Cell) -> str:
    """Return the text of a cell."""
    value = given.value
    if value is None:
        return MISSING
    if isinstance(value, str):
        return clean_sentence(value)
    figure, low, high = given.figures
    if figure is None or not math.isfinite(figure):
        return MISSING
    said = FORMS[given.form](figure, low, high)
    return said.replace(" [", f" {given.unit} [", 1) if given.unit and " [" in said else f"{said} {given.unit}".rstrip()


def parts(given: Iterable[Part]) -> str:
    """Return the text of words and cells in a row."""
    return "".join(clean_sentence(p) if isinstance(p, str) else kept(cell(p)) for p in given)


def _p(value: Figure, low: Figure, high: Figure) -> str:
    del low, high
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def _figure(value: Figure, low: Figure, high: Figure) -> str:
    return number(value, 3) if low is None and high is None else _open(value, low, high)


def _open(value: Figure, low: Figure, high: Figure) -> str:
    return show(value, -math.inf if low is None else low, math.inf if high is None else high)


FORMS: dict[str, Callable[[Figure, Figure, Figure], str]] = {
    "figure": _figure,
    "open": _open,
    "number": lambda value, low, high: number(value, 3),
    "rough": lambda value, low, high: number(value),
    "percent": percent,
    "count": lambda value, low, high: count(value),
    "whole": whole,
    "p": _p,
    "chance": lambda value, low, high: chance(value),
    "probability": lambda value, low, high: probability(value),
    "signed": signed,
    "times": times,
    "setting": lambda value, low, high: f"{value:.4g}",
}
