"""Every term, JSON key and setting in plain sentences: `loopstat explain TERM`, and the source of docs/glossary.md.

Words stand in the tables `terms` of the lenses and of what they share; settings are explained by their rows.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from ..errors import SettingsError
from ..lenses import Lens, lenses, load
from ..results.terms import TERMS as SHARED

ENDS = {"_low": "Lower end of the interval of: ", "_high": "Upper end of the interval of: "}


@cache
def terms() -> Mapping[str, tuple[str, ...]]:
    """Return what is said of every term, JSON key and setting: its meaning first, then the settings of that name."""
    found: dict[str, list[str]] = {}
    every = lenses()
    for table in (SHARED, *(load(item.terms) for item in every)):
        for name, sentence in table.items():
            found.setdefault(name, []).append(sentence)
    for name, sentence, places in _settings(every):
        found.setdefault(name, []).append(f"{sentence} [{', '.join(places)}]")
    return {name: tuple(sentences) for name, sentences in found.items()}


def _settings(every: Iterable[Lens]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, sentence and places of every setting; one that several commands share comes once."""
    places: dict[tuple[str, str], list[str]] = {}
    for item in every:
        own = {row.name for row in item.rows}
        for row in item.rows:
            places.setdefault((row.name, row.explained), []).append(f"setting of {item.name}")
        for command in item.commands:
            for row in command.settings:
                if row.name not in own:
                    here = places.setdefault((row.name, row.explained), [row.flag])
                    here.append(command.name)
    for (name, sentence), (first, *commands) in places.items():
        yield name, sentence, [f"{first} of {commands[0]}", *commands[1:]] if commands else [first]


def explain(term: str | None = None) -> str:
    """Return what a term, JSON key or setting means, or all of them.

    Keys ending in `_low` and `_high` are the ends of the interval of the key without it.

    Parameters
    ----------
    term : str, optional
        A term, JSON key or setting, in any case, words joined by spaces, hyphens or underscores. Default: all of them.

    Returns
    -------
    str
        `term: sentence`, one line per sentence.

    Raises
    ------
    SettingsError
        The term is not known; the message names the nearest ones.

    Examples
    --------
    >>> print(explain("lag"))
    lag: Number of transitions between two states of one session.
    lag: Steps between two states (default 1). [--lag of balance]
    """
    known = terms()
    if term is None:
        return "\n".join(line for name in sorted(known, key=str.lower) for line in _lines(name, known[name]))
    found = _find(term, known)
    if found is None:
        lower = {name.lower(): name for name in known}
        near = [lower[n] for n in difflib.get_close_matches(term.lower(), lower, n=3, cutoff=0.5)]
        hint = f" Did you mean: {', '.join(near)}?" if near else " `loopstat explain` lists every term."
        raise SettingsError(f"no term {term!r} in the glossary.{hint}")
    name, prefix = found
    return "\n".join(_lines(term, [f"{prefix}{sentence}" for sentence in known[name]]))


def _lines(name: str, sentences: Iterable[str]) -> list[str]:
    return [f"{name}: {sentence}" for sentence in sentences]


def _find(term: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    """Return the entry of a term, whatever its case, and what its ending adds."""
    lower = {name.lower(): name for name in known}
    for text in (term, term.lower().replace("-", "_"), term.lower().replace("_", " "), term.lower().replace(" ", "_")):
        if text in known:
            return text, ""
        if text.lower() in lower:
            return lower[text.lower()], ""
    for ending, said in ENDS.items():
        if term.endswith(ending) and term.removesuffix(ending) in known:
            return term.removesuffix(ending), said
    return None


def markdown() -> str:
    """Return the glossary as a Markdown page."""
    known = terms()
    lines = [
        "# Glossary",
        "",
        "What does this word, this key of the JSON, or this setting mean? `loopstat explain TERM` prints the same.",
        "Beside every reported `X` stand `X_low` and `X_high`, the ends of its interval.",
        "",
        *(f"- **{name}**: {' '.join(known[name])}" for name in sorted(known, key=str.lower)),
        "",
    ]
    return "\n".join(lines)
