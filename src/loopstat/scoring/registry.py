"""Which scorers there are, how several become one, and how any callable becomes one."""

from __future__ import annotations

import hashlib
import inspect
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property, partial
from importlib.metadata import entry_points
from types import CodeType, FunctionType
from typing import Any

from ..errors import SettingsError
from ..lenses import load
from ..parameters import nearest
from .score import HIGH, LOW, Artefact, Finding, Score, Scorer, bounded, hash_of, heaviest

SCORERS: dict[str, str] = {
    "python": "loopstat.scoring.python:PythonSuite",
    "sj2025": "loopstat.scoring.sj2025:PublishedSuite",
    "text": "loopstat.scoring.text:TextSuite",
}
GROUP = "loopstat.scorers"
MOST_NESTED = 8  # levels of what a function was made with that its hash looks into

Function = Callable[[str], float | Mapping[str, float] | Score]
Asked = str | Scorer | Function


def where() -> dict[str, str]:
    """Return `module:NAME` of every scorer by its name: our own, then those of other packages."""
    others = {e.name: e.value for e in entry_points(group=GROUP)}
    return {**SCORERS, **{name: place for name, place in others.items() if name not in SCORERS}}


def objectives_known() -> frozenset[str]:
    """Return the names of the values of our own suites."""
    return frozenset(name for place in SCORERS.values() for name in load(place).objectives)


def names() -> list[str]:
    """Return the names of all scorers, our own first."""
    return list(where())


def scorer_of(asked: Asked | Sequence[Asked], **settings: Any) -> Scorer:
    """Return a scorer by its name, as it is, made of a callable, or joined of several.

    Parameters
    ----------
    asked : str, Scorer, callable or a sequence of those
        A name of the registry, or several with commas between. A function takes a text and returns a number in
        [0, 10], several by name, or a Score.
    **settings
        Settings of suites, such as `lines`; each takes those that are its own.

    Returns
    -------
    Scorer

    Raises
    ------
    SettingsError
        No such scorer, or nothing that could be one.
    """
    if isinstance(asked, str):
        asked = [name.strip() for name in asked.split(",") if name.strip()]
    if not isinstance(asked, Sequence):
        return _scorer(asked, settings)
    if not asked:
        raise SettingsError("no scorer was named.")
    once = [a for k, a in enumerate(asked) if not (isinstance(a, str) and a in asked[:k])]
    scorers = [_named(a, settings) if isinstance(a, str) else _scorer(a, settings) for a in once]
    return scorers[0] if len(scorers) == 1 else Joined(tuple(scorers))


def _named(name: str, settings: Mapping[str, Any]) -> Scorer:
    place = SCORERS.get(name) or where().get(name)
    if place is None:
        raise nearest(name, where(), "scorer")
    try:
        made = _scorer(load(place), settings)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the scorer `{name}` cannot be loaded from {place}: {error}.") from error
    if name in SCORERS:
        made.rules()  # names the tool that is not installed, before anything is read
    return made


def _scorer(thing: Any, settings: Mapping[str, Any]) -> Scorer:
    if isinstance(thing, type):
        own = {f.name for f in fields(thing)} if is_dataclass(thing) else set()
        thing = thing(**{name: value for name, value in settings.items() if name in own})
    if hasattr(thing, "score") and hasattr(thing, "objectives"):
        return thing  # type: ignore[no-any-return]
    if callable(thing):
        return Called(thing)
    raise SettingsError(f"a scorer is a name, a callable or an object with `score`. Got {type(thing).__name__}.")


@dataclass(frozen=True)
class Joined:
    """Several scorers as one vector; a name that two of them give has the scorer's before it, `sj2025.security`."""

    scorers: tuple[Scorer, ...]

    @property
    def name(self) -> str:
        """Names of all, with + between."""
        return "+".join(s.name for s in self.scorers)

    @cached_property
    def _names(self) -> tuple[Mapping[str, str], ...]:
        given = [name for s in self.scorers for name in s.objectives]
        return tuple(
            {name: f"{s.name}.{name}" if given.count(name) > 1 else name for name in s.objectives} for s in self.scorers
        )

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of all values, in the order of the scorers."""
        return tuple(name for names in self._names for name in names.values())

    @property
    def minimize(self) -> tuple[str, ...]:
        """Those where smaller is better."""
        return tuple(names[n] for s, names in zip(self.scorers, self._names, strict=True) for n in s.minimize)

    def rules(self) -> Mapping[str, Any]:
        """Return what decides a value."""
        return {"joined": [hash_of(s) for s in self.scorers]}

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the joined score of each text."""
        each = [s.score(artefacts) for s in self.scorers]
        return [self._joined(scores) for scores in zip(*each, strict=True)]

    def _joined(self, scores: Sequence[Score]) -> Score:
        values: dict[str, float] = {}
        findings: list[Finding] = []
        counts: dict[str, float] = {}
        for scorer, names, score in zip(self.scorers, self._names, scores, strict=True):
            values |= {names[n]: v for n, v in score.values.items()}
            findings += [replace(f, objective=names.get(f.objective, f.objective)) for f in score.findings]
            counts |= {f"{scorer.name}.{n}": v for n, v in score.counts.items()}
        return Score(values, heaviest(findings), counts)


@dataclass(frozen=True)
class Called:
    """A function of a text as a scorer.

    Its values are looked at when a text is first scored: a bare number is called like the function.
    """

    function: Function

    @property
    def name(self) -> str:
        """The function's."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    @cached_property
    def objectives(self) -> tuple[str, ...]:
        """Names of its values, as it gives them for an empty text."""
        return tuple(self._values(self.function("")))

    @property
    def minimize(self) -> tuple[str, ...]:
        """None: a function does not say."""
        return ()

    def rules(self) -> Mapping[str, Any]:
        """Return the function's place, its source, and what it was made with: defaults, closure, attributes."""
        return {"function": _written(self.function)}

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the score of each text.

        Raises
        ------
        SettingsError
            A value that is no number in [0, 10], or a name that the empty text did not have.
        """
        return [self._score(self.function(a.text)) for a in artefacts]

    def _values(self, given: Any) -> Mapping[str, float]:
        if isinstance(given, Score):
            return given.values
        return given if isinstance(given, Mapping) else {self.name: given}

    def _score(self, given: Any) -> Score:
        values = self._values(given)
        if tuple(values) != self.objectives:
            said = f"`{self.name}` gave {', '.join(values)}; of an empty text it gave {', '.join(self.objectives)}."
            raise SettingsError(said)
        for name, value in values.items():
            if not isinstance(value, int | float) or not LOW <= value <= HIGH:
                raise SettingsError(f"`{self.name}` must give numbers in [0, 10]. Got {value!r} for {name}.")
        findings, counts = (given.findings, given.counts) if isinstance(given, Score) else ((), {})
        return Score({n: bounded(float(v)) for n, v in values.items()}, findings, counts)


def _written(thing: Any, depth: int = 0) -> Any:
    """Return what a value is by plain values that are the same in every process."""
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if depth > MOST_NESTED:
        return type(thing).__qualname__
    if isinstance(thing, Mapping):
        return [[_written(k, depth + 1), _written(v, depth + 1)] for k, v in thing.items()]
    if isinstance(thing, set | frozenset):
        return sorted(json.dumps(_written(v, depth + 1)) for v in thing)
    if isinstance(thing, list | tuple):
        return [_written(v, depth + 1) for v in thing]
    if isinstance(thing, partial):
        return [_written(part, depth + 1) for part in (thing.func, thing.args, thing.keywords)]
    if isinstance(thing, CodeType):
        return [thing.co_code.hex(), *(_written(part, depth + 1) for part in (thing.co_names, thing.co_consts))]
    place = f"{getattr(thing, '__module__', '')}:{getattr(thing, '__qualname__', type(thing).__qualname__)}"
    if isinstance(thing, FunctionType):
        closure = [_written(cell.cell_contents, depth + 1) for cell in thing.__closure__ or ()]
        given = [_written(part, depth + 1) for part in (thing.__defaults__, thing.__kwdefaults__)]
        return [place, _source(thing), closure, given]
    if isinstance(thing, type):
        return [place, _source(thing)]
    try:
        inside = vars(thing)
    except TypeError:  # arrays, patterns, dates, what is written in C
        return [place, hashlib.sha256(pickle.dumps(thing)).hexdigest()]
    return [place, _source(type(thing)), _written(inside, depth + 1)]


def _source(thing: Any) -> Any:
    """Return the source of a function or class; the code of a function that was made at a prompt."""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return _written(getattr(thing, "__code__", None))
