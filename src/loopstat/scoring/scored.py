"""The result of scoring texts: each with its scores and findings, and how the scores spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..panel.source import Source
from ..results.record import UNWRITTEN, Record
from .score import CAUTION, Finding, Score, Scorer, hash_of, mode_of


@dataclass(frozen=True)
class ScoredText:
    """One text.

    Attributes
    ----------
    path : str or None
        Of its file, where it is one of several.
    row : int or None
        Of its table, from 1.
    session, step, candidate, repeat : str, int or None
        What its table says of it.
    scores : mapping from name to float
        In [0, 10].
    findings : tuple of Finding
        The heaviest, by line.
    counts : mapping from name to float
        What the scores are made of.
    """

    path: str | None
    row: int | None
    session: str | None
    step: int | None
    candidate: str | None
    repeat: str | None
    scores: Mapping[str, float]
    findings: tuple[Finding, ...]
    counts: Mapping[str, float]


@dataclass(frozen=True)
class Spread:
    """How one score spreads over the texts: where it hardly does, nothing can be learnt from it.

    Attributes
    ----------
    name : str
    average, deviation, lowest, highest : float
    mode : float
        The value met most often, to two decimals.
    mode_share : float
        Share of the texts at it.
    """

    name: str
    average: float
    deviation: float
    lowest: float
    highest: float
    mode: float
    mode_share: float


@dataclass(frozen=True, eq=False)
class Scored(Record):
    """Texts with their scores.

    Attributes
    ----------
    hash : str
        Of everything that decides a value; only scores of one hash may be compared.
    suite : str
        Names of the scorers.
    tools : mapping from name to version
    spread : tuple of Spread
        One per score.
    unscored : int
        Texts that cannot be read and have the low baseline.
    texts : tuple of ScoredText
    source : Source
    notes : tuple of str
    settings : mapping
    """

    KEYS = ("schema", "version", "hash", "suite", "spread", "unscored", "texts", "source", "notes", "settings")
    SCHEMA = "loopstat.score/1"

    hash: str
    suite: str
    spread: tuple[Spread, ...]
    unscored: int
    texts: tuple[ScoredText, ...]
    source: Source
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    recording: Any = field(default=None, metadata=UNWRITTEN)


KEY_NAMES = ("path", "row", "session", "step", "candidate", "repeat")


def scored(
    keys: Sequence[Mapping[str, Any]],
    scores: Sequence[Score],
    scorer: Scorer,
    source: Source,
    *,
    settings: Mapping[str, Any] | None = None,
    recording: Any = None,
) -> Scored:
    """Return the result of scoring texts.

    Parameters
    ----------
    keys : sequence of mappings
        Where each text stands, see `ScoredText`.
    scores : sequence of Score
    scorer : Scorer
    source : Source
    settings : mapping, optional
    recording : optional
        What was read, for the table with the scores beside it.
    """
    texts = tuple(
        ScoredText(**{n: key.get(n) for n in KEY_NAMES}, scores=s.values, findings=s.findings, counts=s.counts)
        for key, s in zip(keys, scores, strict=True)
    )
    return Scored(
        hash=hash_of(scorer),
        suite=scorer.name,
        spread=tuple(_spread(name, [s.values[name] for s in scores]) for name in scorer.objectives),
        unscored=sum(any(k.endswith("unscored") for k in s.counts) for s in scores),
        texts=texts,
        source=source,
        notes=(*source.notes, CAUTION),
        settings=dict(settings or {}),
        recording=recording,
    )


def _spread(name: str, values: Sequence[float]) -> Spread:
    n = len(values)
    average = sum(values) / n if min(values) < max(values) else values[0]
    deviation = (sum((v - average) ** 2 for v in values) / n) ** 0.5
    return Spread(name, average, deviation, min(values), max(values), *mode_of(values))
