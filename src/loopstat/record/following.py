"""A saved rule that follows a session through its record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SettingsError
from ..lenses import load

if TYPE_CHECKING:
    from ..decide.rules.stop_rule import Action, StopRule

RULE = "loopstat.decide.rules.stop_rule:StopRule"
ENDS: dict[str, Literal["target", "budget"]] = {"bar": "target", "rule": "budget", "limit": "budget"}
"""How a session ended that stopped on a rule's advice: done, or cut off although it could have gone on."""

Recorded = tuple[int, int | None, str, str]
"""Step, accepted, scores and fields of a row."""


@dataclass
class Followed:
    """A rule, the last step it has seen, and what it said.

    Attributes
    ----------
    rule : StopRule
    last : int
        -1 before any.
    action : Action or None
    """

    rule: StopRule
    last: int = -1
    action: Action | None = field(default=None)

    def text(self) -> str:
        """Return the file that would load it."""
        return self.rule.to_json()

    @property
    def ended(self) -> Literal["target", "budget"] | None:
        """How a session ended that stops now; None unless the rule said stop."""
        stopped = self.action is not None and self.action.kind == "stop"
        return ENDS[self.action.because] if stopped and self.action is not None else None

    def told(self, rows: Iterable[Recorded]) -> Action:
        """Tell the rule of further steps, in order, and return what it says; once it said stop it stays with that."""
        for step, group in groupby(rows, key=lambda row: row[0]):
            if self.action is not None and self.action.kind == "stop":
                break
            scores, accepted, cost = self._of_step(list(group))
            self.action = self.rule.update(scores, accepted=accepted, cost=cost)
            self.last = step
        if self.action is None:
            raise SettingsError("no step is recorded yet: there is nothing to advise on.")
        return self.action

    def _of_step(self, rows: list[Recorded]) -> tuple[dict[str, float] | None, bool | None, float]:
        """Return the scores of the best candidate, whether one was accepted, and what all of them cost."""
        tuned = self.rule.tuned
        signs = [-1.0 if way == "minimize" else 1.0 for way in tuned.directions]
        best: tuple[float, dict[str, float]] | None = None
        costs, flags = [], [bool(row[1]) for row in rows if row[1] is not None]
        for _, _, scores, fields in rows:
            costs.append(json.loads(fields).get("cost"))
            known: dict[str, Any] = json.loads(scores)
            self._refuse_unknown(known)
            if any(known.get(name) is None for name in tuned.objectives):
                continue
            mine = {name: float(known[name]) for name in tuned.objectives}
            worth = sum(s * w * mine[n] for n, w, s in zip(tuned.objectives, tuned.weights, signs, strict=True))
            if best is None or worth > best[0]:
                best = worth, mine
        paid = [float(cost) for cost in costs if cost is not None]
        return None if best is None else best[1], any(flags) if flags else None, sum(paid) if paid else float(len(rows))

    def _refuse_unknown(self, scores: dict[str, Any]) -> None:
        missing = [name for name in self.rule.tuned.objectives if name not in scores]
        if scores and missing:
            raise SettingsError(
                f"the rule looks at {', '.join(self.rule.tuned.objectives)}, but a step was scored by "
                f"{', '.join(scores)} alone: `{missing[0]}` is missing."
            )


def follow(rule: str | os.PathLike[str] | StopRule) -> Followed:
    """Return a rule at the start of a session: read from a file, or handed over with all it has seen of other sessions.

    Raises
    ------
    InputError, SettingsError
        It cannot be read, or is none.
    """
    known = load(RULE)
    if isinstance(rule, str | os.PathLike):
        return Followed(known.load(rule))
    if not isinstance(rule, known):
        raise SettingsError(f"`rule` must be the path of a rule, or a StopRule. Got {type(rule).__name__}.")
    rule.begin()
    return Followed(rule)
