"""A tuned rule at work in anybody's loop: the file that keeps it, and the object that is asked after every step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from ...arrays import Float
from ...errors import InputError, SettingsError
from ...inference.estimate import Estimate
from ...inference.intervals import percentile_interval
from ...results.record import Record, load, written
from ..curve import Curve
from .familiar import TunedOn, Watch
from .families import Rule, rule_from
from .guarantee import Certificate

KEEPS = ("last", "best", "accepted", "success")
STATE = "loopstat.rule_state/1"


@dataclass(frozen=True, eq=False)
class TunedRule(Record):
    """A rule with all that is needed to follow it.

    Attributes
    ----------
    rule : Rule
    objectives : tuple of str
        What `update` is told after every step.
    weights : tuple of float
        The rule looks at the sum of the weighted objectives; minimised ones count negative.
    directions : tuple of str
        `maximize` or `minimize`, one per objective.
    keep : str
        Which version is handed over: `last`, `best`, `accepted` or `success`.
    price : float
        Of one step, or of one unit of cost where steps are told theirs, in units of the value.
    steps : tuple of int
        Recorded step numbers.
    ahead : Estimate, shape (n_steps,)
        What going on to the best later step is worth on average after each step, price taken off; NaN after the last.
    tuned_on : TunedOn
    bar : float or None
        Weighted score at which a session is done.
    certificate : Certificate or None
    digest : str
        Of the recording.
    """

    rule: Rule = field(metadata=written(write=lambda rule: rule.to_dict(), read=rule_from))
    objectives: tuple[str, ...]
    weights: tuple[float, ...]
    directions: tuple[str, ...]
    keep: str
    price: float
    steps: tuple[int, ...]
    ahead: Estimate
    tuned_on: TunedOn
    bar: float | None = None
    certificate: Certificate | None = None
    digest: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        if not len(self.objectives) == len(self.weights) == len(self.directions) > 0:
            raise SettingsError("a rule needs one weight and one direction for each of its objectives.")
        if self.keep not in KEEPS:
            raise SettingsError(f"`keep` must be one of {', '.join(KEEPS)}. Got {self.keep!r}.")
        if set(self.directions) - {"maximize", "minimize"}:
            raise SettingsError(f"directions must be `maximize` or `minimize`. Got {self.directions!r}.")


@dataclass(frozen=True, eq=False)
class RuleFile(Record):
    """The rules of the groups of one recording, by name; the JSON of `loopstat decide --save`."""

    SCHEMA = "loopstat.rule/1"
    KEYS = ("schema", "version", "groups")
    groups: Mapping[str, TunedRule]


def gains_ahead(curve: Curve, price: float, *, level: float = 0.95) -> Estimate:
    """Return what going on from each step to the best later one is worth on average, price taken off.

    Parameters
    ----------
    curve : Curve
        The estimate first, then the draws.
    price : float
    level : float

    Returns
    -------
    Estimate, shape (n_steps,)
        In units of the value, negative where every later step costs more than it adds; NaN after the last step.
    """
    net = curve.value - price * curve.paid
    n = net.shape[1]
    out: Float = np.full((3, n), np.nan)
    for t in range(n - 1):
        best = t + 1 + int(net[0, t + 1 :].argmax())
        out[0, t] = net[0, best] - net[0, t]
        out[1:, t] = percentile_interval(net[1:, best] - net[1:, t], level)
    return Estimate(*out, level=level)


@dataclass(frozen=True)
class Action:
    """What to do after a step.

    Attributes
    ----------
    kind : str
        `stop` or `go_on`.
    because : str
        `rule`: its condition is met; `limit`: so many steps are enough; `bar`: the session is done; `goes_on`.
    why : str
        The same in words, warnings included.
    expected_gain, low, high : float or None
        What going on to the best later step is worth on average over the recorded sessions, price taken off; None
        beyond the recorded steps.
    warnings : tuple of str
        What no longer looks like the recording the rule was tuned on.
    """

    kind: Literal["stop", "go_on"]
    because: Literal["rule", "limit", "bar", "goes_on"]
    why: str
    expected_gain: float | None
    low: float | None
    high: float | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Session(Record):
    """One session so far: its scores (NaN where there was none), what is held, what was spent, sums of its changes."""

    seen: tuple[float, ...] = ()
    held: float = math.nan
    spent: float = 0.0
    total: float = 0.0
    far: int = 0
    over: bool = False


class StopRule:
    """Says after every step of a loop whether to stop.

    It uses no random numbers and no clock: the same scores give the same answers. A call that is refused leaves it as
    it was.

    Parameters
    ----------
    tuned : TunedRule
    group : str
        Name of its group in the file.

    Examples
    --------
    A loop that asks it::

        rule = StopRule.load("rule.json")
        for artifact in loop:
            if rule.update({"score": scored(artifact)}).kind == "stop":
                break
        rule.begin()  # the next session
    """

    def __init__(self, tuned: TunedRule, group: str = "all") -> None:
        self.tuned, self.group = tuned, group
        self._session, self._watch = _Session(), Watch()
        sign = [-1.0 if d == "minimize" else 1.0 for d in tuned.directions]
        self._weights = {n: s * w for n, s, w in zip(tuned.objectives, sign, tuned.weights, strict=True)}

    @classmethod
    def load(cls, path: Any, group: str | None = None) -> Self:
        """Read the rule of one group from a file that `loopstat decide --save` wrote.

        Parameters
        ----------
        path : path
        group : str, optional
            Needed where the file holds several.

        Raises
        ------
        InputError
            The file cannot be read or is none of rules.
        SettingsError
            It holds several groups and none is named, or not this one.
        """
        try:
            with open(path, encoding="utf-8") as stream:
                rules = RuleFile.from_dict(json.load(stream))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}.", file=str(path)) from error
        except InputError as error:
            raise InputError(error.message, file=str(path)) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"expected a file of rules. {error}", file=str(path)) from error
        names = ", ".join(f"`{n}`" for n in rules.groups)
        if group is None and len(rules.groups) != 1:
            raise SettingsError(f"{path} holds the rules of {len(rules.groups)} groups, {names}: name one, group=...")
        name = next(iter(rules.groups)) if group is None else group
        if name not in rules.groups:
            raise SettingsError(f"{path} holds no rule of a group {name!r}. It has {names}.")
        return cls(rules.groups[name], name)

    def to_json(self) -> str:
        """Return the text of a file that `load` reads, with this rule alone."""
        return RuleFile({self.group: self.tuned}).to_json()

    # ------------------------------------------------------------------ the loop

    def update(
        self,
        scores: float | Mapping[str, float | None] | None,
        *,
        accepted: bool | None = None,
        cost: float | None = None,
    ) -> Action:
        """Take in the scores after one more step and say what to do.

        Parameters
        ----------
        scores : number, or mapping from objective to number
            In the units of the recording; None for a step that could not be scored.
        accepted : bool, optional
            Whether the loop took this version over; default: where it is no worse than the one held.
        cost : float, optional
            What the step cost, in the unit of the price; default 1.

        Raises
        ------
        SettingsError
            The session is over, or an argument cannot be used. Nothing is changed.
        """
        if self._session.over:
            raise SettingsError("this session is over: the rule has said stop. Hint: `begin()` starts the next one.")
        score = self._score(scores)
        if accepted is not None and not isinstance(accepted, bool | np.bool_):
            raise SettingsError(f"`accepted` must be True or False. Got {accepted!r}.")
        spent = 1.0 if cost is None else _number(cost, "`cost`")
        if spent < 0:
            raise SettingsError(f"`cost` must not be negative. Got {cost!r}.")
        session, watch = self._taken(score, accepted, spent if self._session.seen else 0.0)
        because = self._because(session)
        session = replace(session, over=because != "goes_on")
        if session.over:
            watch = watch.seen("total", self.tuned.tuned_on.whole(session.total))
        self._session, self._watch = session, watch
        return self._action(because)

    def begin(self) -> None:
        """Start the next session; what was seen of the ones before is kept to notice when they change."""
        if self._session.seen and not self._session.over:
            self._watch = self._watch.seen("total", self.tuned.tuned_on.whole(self._session.total))
        self._session = _Session()

    @property
    def held(self) -> float:
        """Weighted score of the version to hand over; NaN before any was scored."""
        return self._session.held

    @property
    def spent(self) -> float:
        """What the steps have cost so far, the first version not counted."""
        return self._session.spent

    @property
    def warnings(self) -> tuple[str, ...]:
        """What no longer looks like the recording the rule was tuned on."""
        far = self._session.far
        mine = f"{far} score{'s' * (far != 1)} of this session far outside all that was recorded"
        return (*self._watch.warnings(self.tuned.tuned_on), *((f"{mine}: another scale or task?",) if far else ()))

    # ------------------------------------------------------------------ as JSON

    def state(self) -> dict[str, Any]:
        """Return everything it knows as plain JSON data."""
        parts = {"tuned": self.tuned, "session": self._session, "watch": self._watch}
        return {"schema": STATE, "group": self.group, **{name: part.to_dict() for name, part in parts.items()}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from what `state` returned.

        Raises
        ------
        InputError
            It is of another schema, or incomplete.
        """
        if state.get("schema") != STATE:
            raise InputError(f"expected a state of schema {STATE!r}. Got {state.get('schema')!r}.")
        try:
            rule = cls(load(TunedRule, state["tuned"]), str(state["group"]))
            rule._session, rule._watch = load(_Session, state["session"]), load(Watch, state["watch"])
        except KeyError as missing:
            raise InputError(f"the state lacks {missing}.") from None
        return rule

    # ------------------------------------------------------------------ parts of an update

    def _score(self, scores: float | Mapping[str, float | None] | None) -> float:
        """Return the weighted score, larger is better; NaN for a step that could not be scored."""
        names = list(self._weights)
        if scores is None:
            return math.nan
        if not isinstance(scores, Mapping):
            if len(names) > 1:
                raise SettingsError(f"scores must be given by name: {', '.join(names)}. Got {scores!r}.")
            return self._weights[names[0]] * _number(scores, f"the score `{names[0]}`")
        if set(scores) != set(names):
            raise SettingsError(f"expected scores of {', '.join(names)}. Got {', '.join(map(str, scores)) or 'none'}.")
        if any(scores[n] is None for n in names):
            return math.nan
        return math.fsum(w * _number(scores[n], f"the score `{n}`") for n, w in self._weights.items())

    def _taken(self, score: float, accepted: bool | None, spent: float) -> tuple[_Session, Watch]:
        """Return the session and the watch with one more score."""
        before, tuned, watch = self._session, self.tuned.tuned_on, self._watch
        place = len(before.seen)
        total, far = before.total, before.far
        if not math.isnan(score):
            far += tuned.far(score)
            if place == 0:
                watch = watch.seen("start", tuned.start(score))
            elif not math.isnan(before.seen[-1]):
                z = tuned.step(place, score - before.seen[-1])
                total += z
                watch = watch.seen("first", z) if place == 1 else watch
        held = self._held(before.held, score, accepted)
        return _Session((*before.seen, score), held, before.spent + spent, total, far), watch

    def _held(self, held: float, score: float, accepted: bool | None) -> float:
        if math.isnan(score):
            return held
        if math.isnan(held) or self.tuned.keep == "last":
            return score
        if self.tuned.keep == "accepted":
            taken = score >= held if accepted is None else accepted
            return score if taken else held
        return max(held, score)

    def _because(self, session: _Session) -> Literal["rule", "limit", "bar", "goes_on"]:
        rule, seen = self.tuned.rule, session.seen
        if self.tuned.bar is not None and seen[-1] >= self.tuned.bar:
            return "bar"
        if rule.fires(np.array([seen])).any():
            return "rule"
        return "limit" if rule.at_most is not None and len(seen) > rule.at_most else "goes_on"

    def _action(self, because: Literal["rule", "limit", "bar", "goes_on"]) -> Action:
        tuned, place = self.tuned, len(self._session.seen) - 1
        ahead: list[float | None] = [None, None, None]
        if place < len(tuned.steps):
            found = (float(part[place]) for part in (tuned.ahead.value, tuned.ahead.low, tuned.ahead.high))
            ahead = [None if math.isnan(x) else x for x in found]
        n = f"{place} step{'s' * (place != 1)}"
        words = {
            "bar": f"stop: the score has reached {tuned.bar}",
            "limit": f"stop: {n} are enough" if place != 1 else "stop: 1 step is enough",
            "rule": f"stop: {tuned.rule.condition}",
            "goes_on": f"go on: {n} taken, and the rule is to {tuned.rule.sentence}",
        }
        warnings = self.warnings
        why = "; ".join([words[because], *(f"warning: {w}" for w in warnings)])
        return Action("go_on" if because == "goes_on" else "stop", because, why, ahead[0], ahead[1], ahead[2], warnings)


def _number(value: Any, what: str) -> float:
    """Return a finite number.

    Raises
    ------
    SettingsError
        It is none.
    """
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise SettingsError(f"{what} must be a finite number. Got {value!r}.")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise SettingsError(f"{what} must be a finite number. Got {value!r}.")
    return number
