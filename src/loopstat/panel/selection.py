"""What a log kept of what was tried: attempts seen and missing, how sessions ended, what was left out of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ENDED = ("target", "budget", "failure", "unknown")
"""How a session may have ended: by itself, cut off by a limit, cut off by an error, not known."""


@dataclass(frozen=True)
class SelectionReport:
    """What a log kept of what was tried.

    Attributes
    ----------
    attempts : int
        Attempts seen in the log: rows, and those of which no more than a trace is left.
    missing : int or None
        Attempts known to have been made whose scores are not in the log, whether or not a row is; None where nothing
        says how many there were.
    kept_only : bool
        Rejected or failed proposals were dropped before the log was written: drift fitted to it is too good.
    ended : mapping from a word of `ENDED` to sessions
    dropped : tuple of str
        Fields of the log that have no place in the table.
    """

    attempts: int
    missing: int | None = None
    kept_only: bool = False
    ended: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def together(reports: Sequence[SelectionReport]) -> SelectionReport | None:
    """Return what several logs kept; None where there is no report.

    Examples
    --------
    >>> together([SelectionReport(3, 1, ended={"target": 1}), SelectionReport(4, None, True, {"target": 2})])
    SelectionReport(attempts=7, missing=None, kept_only=True, ended={'target': 3}, dropped=())
    """
    if not reports:
        return None
    missing = [r.missing for r in reports if r.missing is not None]
    counted: Counter[str] = Counter()
    for report in reports:
        counted.update(report.ended)
    return SelectionReport(
        sum(r.attempts for r in reports),
        sum(missing) if len(missing) == len(reports) else None,
        any(r.kept_only for r in reports),
        {word: counted[word] for word in ENDED if counted[word]},
        tuple(dict.fromkeys(name for r in reports for name in r.dropped)),
    )


def said(report: SelectionReport) -> list[str]:
    """Return a selection report in sentences."""
    if report.missing is None:
        lost = "whether any are missing is not known"
    else:
        lost = f"{report.missing or 'none'} known to be missing or without a score"
    ended = ", ".join(f"{word} {n:,}" for word, n in report.ended.items())
    lines = [f"selection: {report.attempts:,} attempts in the log, {lost}; sessions ended: {ended or 'not known'}."]
    if report.kept_only:
        lines.append(SURVIVORS)
    if report.dropped:
        lines.append(f"fields without a place in the table: {', '.join(report.dropped)}.")
    return lines


SURVIVORS = (
    "the log kept survivors only: what sessions hold at a step, and what to stop at, still stand; how proposals move "
    "and where they would rest do not, for the worst of them are missing."
)
