"""The suite `text`: length, readability, variety, likeness to earlier versions, repetition; no list of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .rules import code_digest
from .score import HIGH, Artefact, Finding, Score, bounded, unscored
from .tools import RAPIDFUZZ, versions

OBJECTIVES = ("length", "readability", "variety", "likeness_first", "likeness_previous", "repetition")
MODULES = ("text", "score")
MOST_CHARACTERS = 400_000
HALF_LENGTH = 200.0  # words that give half of the length score
EASY_GRADE = 12.0  # the school grade that is half readable
GRADES = 3.0  # how many grades change readability by a factor of e
WINDOW = 50  # words within which variety is counted: the share of different words falls with length alone
GRAM = 4  # words in a row that are repeated

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"[.!?…。！？]+(?=\s|$)|\n\s*\n")


@dataclass(frozen=True)
class TextSuite:
    """Length, readability, lexical variety, likeness to the first and the previous version, repetition.

    Readability is made of two published formulas that need no list of words and no syllables: the automated
    readability index (Smith & Senter 1967) and the index of Coleman & Liau (1975), both in school grades of English.
    Variety is the moving-average share of different words (Covington & McFall 2010). Likeness is 10 where nothing
    changed, also for a first version.
    """

    name = "text"
    objectives = OBJECTIVES
    minimize = ("repetition",)

    def rules(self) -> Mapping[str, Any]:
        """Return what decides a value."""
        return {"tools": dict(versions(RAPIDFUZZ)), "code": code_digest(MODULES)}

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the score of each text, in order."""
        return [_scored(a) for a in artefacts]


def _scored(artefact: Artefact) -> Score:
    text = artefact.text
    if len(text) > MOST_CHARACTERS:
        said = f"longer than {MOST_CHARACTERS:,} characters, the most that is scored"
        return unscored(OBJECTIVES, Finding("too-long", 0, 0.0, said))
    words = [w.casefold() for w in _WORD.findall(text)]
    if not words:
        return unscored(OBJECTIVES, Finding("no-words", 0, 0.0, "holds no words"))
    counts = _counts(text, words)
    grade = (counts["ari"] + counts["coleman_liau"]) / 2
    values = {
        "length": HIGH * len(words) / (len(words) + HALF_LENGTH),
        "readability": HIGH / (1 + 2.0 ** ((grade - EASY_GRADE) / GRADES)),
        "variety": HIGH * moving_variety(words),
        "likeness_first": likeness(text, artefact.first),
        "likeness_previous": likeness(text, artefact.previous),
        "repetition": HIGH * repeated(words),
    }
    return Score({name: bounded(v) for name, v in values.items()}, (), counts)


def _counts(text: str, words: Sequence[str]) -> dict[str, float]:
    sentences = max(len(_SENTENCE.findall(text.strip())) + (not _SENTENCE.search(text.strip()[-1:])), 1)
    letters = sum(map(len, words))
    n = len(words)
    ari = 4.71 * letters / n + 0.5 * n / sentences - 21.43
    coleman_liau = 5.88 * letters / n - 29.6 * sentences / n - 15.8
    bounds = (min(max(grade, -30.0), 100.0) for grade in (ari, coleman_liau))
    counts = {"words": n, "sentences": sentences, "letters": letters}
    return {**counts, **{name: round(v, 6) for name, v in zip(("ari", "coleman_liau"), bounds, strict=True)}}


def moving_variety(words: Sequence[str], window: int = WINDOW) -> float:
    """Return the share of different words, averaged over all windows of so many words; of all, where there are fewer.

    Examples
    --------
    >>> moving_variety("a rose is a rose is a rose".split())
    0.375
    """
    n = min(window, len(words))
    inside = Counter(words[:n])
    total, windows = len(inside), 1
    for gone, come in zip(words, words[n:], strict=False):
        inside[come] += 1
        inside[gone] -= 1
        if not inside[gone]:
            del inside[gone]
        total += len(inside)
        windows += 1
    return total / (n * windows)


def repeated(words: Sequence[str], gram: int = GRAM) -> float:
    """Return the share of runs of so many words that have stood in the text before.

    Examples
    --------
    >>> repeated("one two three four one two three four".split())
    0.2
    """
    runs = Counter(zip(*(words[k:] for k in range(gram)), strict=False))
    total = runs.total()
    return (total - len(runs)) / total if total else 0.0


def likeness(text: str, other: str | None) -> float:
    """Return 10 times 1 - insertions and deletions per character of both (the indel ratio); 10 for no other text."""
    from rapidfuzz.distance import Indel

    if other is None or other == text:
        return HIGH
    return HIGH * float(Indel.normalized_similarity(text, other[:MOST_CHARACTERS]))
