"""The answer to what a lens asks: one word to act on, one sentence to read, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from .record import UNWRITTEN, Record


@dataclass(frozen=True)
class Reason:
    """Why an answer is what it is: a code to decide by, and the sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Verdict(Record):
    """The answer of a lens.

    Attributes
    ----------
    action : str
        One word of those the lens knows.
    sentence : str
        The answer in words.
    answer : str
        The words of the action, with which the sentence begins (`stop at step 4`); not written to JSON.
    why : tuple of Reason
        What decided it, the weightiest first; not written to JSON.
    """

    action: str
    sentence: str
    answer: str = field(default="", kw_only=True, metadata=UNWRITTEN)
    why: tuple[Reason, ...] = field(default=(), kw_only=True, metadata=UNWRITTEN)
