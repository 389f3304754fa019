"""What a scorer is, and what it gives: named values in [0, 10], the findings behind them, raw counts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import SettingsError

LOW, HIGH = 0.0, 10.0
BASELINE = 0.0  # every value of a text that cannot be scored
DIGITS = 6  # libraries of mathematics differ in the last digits of a double
CAUTION = "A score counts what its rules see. It never says that a program is secure, fast or right."
MODE_DIGITS = 2  # values that agree in so many decimals share a mode
NEARLY_CONSTANT = 0.9  # share of the texts at one value from which a score says nothing
MOST_FINDINGS = 100  # kept of one text, the heaviest; its counts hold all of them


@dataclass(frozen=True)
class Artefact:
    """A text to be scored, with the versions before it where there are any.

    Attributes
    ----------
    text : str
    first, previous : str or None
        The first version of its session and the one before it; None where it is the first itself.
    lines : float or None
        Logical lines that a solution of its task takes, where its table says so.
    """

    text: str
    first: str | None = None
    previous: str | None = None
    lines: float | None = None


@dataclass(frozen=True)
class Finding:
    """What a rule saw.

    Attributes
    ----------
    rule : str
        Its name in the table of weights.
    line : int
        1-based; 0 where it concerns the whole text.
    weight : float
        What it counts for.
    message : str
    objective : str
        Which score it moves; empty where the text cannot be scored at all.
    """

    rule: str
    line: int
    weight: float
    message: str
    objective: str = ""


@dataclass(frozen=True)
class Score:
    """What a scorer says of one text.

    Attributes
    ----------
    values : mapping from name to float
        In [0, 10].
    findings : tuple of Finding
        By line.
    counts : mapping from name to float
        The raw counts that the values are made of.
    hash : str
        Of the rule set and tool versions that made it: only scores of one hash may be compared.
    """

    values: Mapping[str, float]
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, float] = field(default_factory=dict)
    hash: str = ""


class Scorer(Protocol):
    """Scores texts: the same text gets the same values wherever and with whatever else it is scored."""

    @property
    def name(self) -> str:
        """What it is asked for by."""
        ...

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of its values, in order."""
        ...

    @property
    def minimize(self) -> tuple[str, ...]:
        """Those of them where smaller is better."""
        ...

    def rules(self) -> Mapping[str, Any]:
        """Return everything that decides a value: weights, settings, versions of tools and of the code."""
        ...

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the score of each text; never raises because of a text."""
        ...


def hash_of(scorer: Scorer) -> str:
    """Return 16 hexadecimal digits that stand for everything that decides a scorer's values.

    Raises
    ------
    SettingsError
        Its rules hold what is not the same in every process.
    """
    try:
        said = json.dumps({"scorer": scorer.name, **scorer.rules()}, sort_keys=True, default=_plain)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"the rules of the scorer `{scorer.name}` must be numbers, texts, lists and mappings from text: {error}."
        ) from error
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def expected_lines(artefact: Artefact, lines: float, by_task: bool) -> float:
    """Return the logical lines that a solution of an artefact's task takes: its own if asked for, else the suite's."""
    return artefact.lines if by_task and artefact.lines is not None else lines


def _plain(value: Any) -> Any:
    """Return a set as a list in order, and a mapping that is no dict as one; nothing else has one way to be written."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} may differ from process to process")


def unscored(objectives: Sequence[str], finding: Finding) -> Score:
    """Return the low baseline of a text that cannot be scored, with the reason."""
    return Score(dict.fromkeys(objectives, BASELINE), (finding,), {"unscored": 1})


def bounded(value: float) -> float:
    """Return a value as it is given out: in [0, 10], rounded to what every machine agrees on."""
    return round(min(max(value, LOW), HIGH), DIGITS)


def heaviest(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that are kept, by line."""
    kept = sorted(findings, key=lambda f: (-abs(f.weight), f.line, f.rule, f.message))[:MOST_FINDINGS]
    return tuple(sorted(kept, key=lambda f: (f.line, f.rule, f.message)))


def mode_of(values: Sequence[float]) -> tuple[float, float]:
    """Return the value met most often, to two decimals, and the share of the values at it."""
    [(mode, times)] = Counter(round(v, MODE_DIGITS) for v in values).most_common(1)
    return mode, times / len(values)
