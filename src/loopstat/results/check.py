"""What could make an answer wrong: a check as it is claimed, and the rule it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from .record import UNWRITTEN, Record

E = TypeVar("E")


@dataclass(frozen=True, eq=False)
class Check(Record):
    """What was measured, the limit, whether it passed, and what that means in words.

    Attributes
    ----------
    name : str
    value, limit : float or None
    passed : bool
    message : str
    kind : str
        Which of several ways of failing it is, for what is decided by it: words are not read.
    """

    name: str
    value: float | None
    limit: float | None
    passed: bool
    message: str
    kind: str = field(default="", metadata=UNWRITTEN)


class Outcome(NamedTuple):
    """What a check measured (None where it could not), whether that is within the limit, and what it means.

    `kind` tells ways of failing apart; `limit` is one that depends on what was measured.
    """

    value: float | None
    passed: bool
    message: str
    kind: str = ""
    limit: float | None = None


@dataclass(frozen=True)
class CheckRule(Generic[E]):
    """One thing that could make an answer wrong: its limit, the doubt where it is passed, and its test."""

    name: str
    limit: float | None
    doubt: str
    test: Callable[[E], Outcome]

    def run(self, evidence: E) -> Check:
        """Return the check."""
        found = self.test(evidence)
        limit = self.limit if found.limit is None else found.limit
        return Check(self.name, found.value, limit, found.passed, found.message, found.kind)


def run_checks(rules: Iterable[CheckRule[E]], evidence: E) -> tuple[Check, ...]:
    """Run every check, in the order of its rules."""
    return tuple(rule.run(evidence) for rule in rules)
