"""What changed between two versions, line by line, within a time that no text can stretch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from time import perf_counter

MOST_LINES = 20_000
MOST_PAIRS = 2_000_000  # pairs of equal lines: what one look for the longest match may have to go through
SECONDS = 0.3

Changes = list[list[str]]


class _OutOfTimeError(Exception):
    """The time is over."""


class _Timed(SequenceMatcher[str]):
    """A matcher that gives up at a moment."""

    until = float("inf")

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        if perf_counter() > self.until:
            raise _OutOfTimeError
        return super().find_longest_match(alo, ahi, blo, bhi)


def changes(before: str, after: str, seconds: float = SECONDS) -> Changes | None:
    """Return the lines that stayed (`=`), went (`-`) and came (`+`), in order.

    Parameters
    ----------
    before, after : str
    seconds : float
        What it may take.

    Returns
    -------
    list of [sign, lines], or None
        None where it takes too long to say. The lines with `=` and `-` are `before`, those with `=` and `+` `after`.

    Examples
    --------
    >>> changes("a\\nb", "a\\nc\\nb")
    [['=', 'a'], ['+', 'c'], ['=', 'b']]
    """
    a, b = before.split("\n"), after.split("\n")
    if max(len(a), len(b)) > MOST_LINES or _pairs(a, b) > MOST_PAIRS:
        return None
    matcher = _Timed(None, a, b)
    matcher.until = perf_counter() + seconds
    try:
        found = matcher.get_opcodes()
    except _OutOfTimeError:
        return None
    said: Changes = []
    for kind, i, j, k, m in found:
        if kind == "equal":
            said.append(["=", "\n".join(a[i:j])])
            continue
        said += [[sign, "\n".join(lines)] for sign, lines in (("-", a[i:j]), ("+", b[k:m])) if lines]
    return said


def _pairs(a: Sequence[str], b: Sequence[str]) -> int:
    counted = Counter(b)
    return sum(counted[line] for line in a)
