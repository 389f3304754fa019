"""What a step is told, checked and made plain: scores, labels, whole texts; secrets taken out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import SettingsError
from .redact import known_secrets, redacted, tells

Plain = str | float | int | bool | None

SCORE = "score"  # what a score without a name is called
WHOLE_TEXT = "input_"  # labels of this beginning are texts, kept once however often they come
NUMBERS = ("cost", "propensity", "tokens_in", "tokens_out", "time", "weight", "count", "visits")
FLAGS = ("oracle_pass",)
NAMES = (
    *("step", "candidate", "repeat", "accepted", "strategy", "model", "task", "state", "next_state", "scorer_hash"),
    "file",
)
OURS = {
    "session": "it is the session's name",
    "ended": "`end` says it",
    "artifact": "give it as text=",
    "parent_step": "give the parent as parent=",
    "parent_candidate": "give the parent as parent=",
    "parent_id": "give the parent as parent=",
    "program_id": "steps are numbered already",
    "survivors_only": "every proposal is recorded here",
}
"""Columns of the table that nobody gives by name, and why."""


@dataclass
class Cleaner:
    """Takes secrets out of whatever is written, as the environment has them at that moment."""

    secrets: dict[str, str] = field(default_factory=known_secrets)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        return redacted(text, self.secrets)

    def label(self, name: str, value: Plain) -> Plain:
        """Return a value without secrets; all of it where its name says that it is one."""
        if not isinstance(value, str):
            return value
        return "[redacted]" if value and tells(name) else self.text(field_text(value))


def plain_scores(scores: float | Mapping[str, float | None] | None) -> dict[str, float | None]:
    """Return scores by objective; None where there is none, NaN included.

    Raises
    ------
    SettingsError
        What is no number, or an objective that has the name of another column.
    """
    if scores is None:
        return {}
    if not isinstance(scores, Mapping):
        scores = {SCORE: scores}
    found = {}
    for name, value in scores.items():
        if not isinstance(name, str) or not name.strip():
            raise SettingsError(f"objectives must have names. Got {name!r}.")
        if name in (*OURS, *NUMBERS, *FLAGS, *NAMES) or name.startswith(WHOLE_TEXT):
            raise SettingsError(f"an objective cannot be called `{name}`: the table has a column of that name.")
        found[field_text(name)] = None if value is None else number(value, f"the score `{name}`", nan=True)
    return found


def plain_labels(labels: Mapping[str, Any], cleaner: Cleaner) -> tuple[dict[str, Plain], dict[str, str]]:
    """Return labels without secrets, and apart from them the whole texts among them; those without a value left out.

    Raises
    ------
    SettingsError
        A name that stands for something else, or a value that is none of text, number, true and false.
    """
    plain: dict[str, Plain] = {}
    texts: dict[str, str] = {}
    for name, value in labels.items():
        if name in OURS:
            raise SettingsError(f"`{name}` cannot be given: {OURS[name]}.")
        if value is None:
            continue
        if name.startswith(WHOLE_TEXT):
            if not isinstance(value, str):
                raise SettingsError(f"`{name}` must be a text. Got {type(value).__name__}.")
            texts[name] = cleaner.text(value)
        elif name in NUMBERS:
            plain[name] = number(value, f"`{name}`")
        elif name in FLAGS:
            plain[name] = flag(value, name)
        else:
            plain[field_text(name)] = cleaner.label(name, _plain(name, value))
    return plain, texts


def number(value: Any, what: str, *, nan: bool = False) -> float | None:
    """Return a finite number; with `nan`, None for what is not a number but missing.

    Raises
    ------
    SettingsError
        It is none.
    """
    found = math.inf
    if not isinstance(value, bool | str | bytes):
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.inf
    if nan and math.isnan(found):
        return None
    if not math.isfinite(found):
        raise SettingsError(f"{what} must be a finite number. Got {value!r:.80}.")
    return found


def flag(value: Any, name: str) -> bool | None:
    """Return true or false; None where nothing is known.

    Raises
    ------
    SettingsError
        It is neither.
    """
    found = _item(value)
    if found is None or isinstance(found, bool):
        return found
    raise SettingsError(f"`{name}` must be True, False or None. Got {value!r:.80}.")


def whole(value: Any, name: str) -> int:
    """Return a whole number of at least 0.

    Raises
    ------
    SettingsError
        It is none.
    """
    found = _item(value)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**53:
        raise SettingsError(f"`{name}` must be a whole number of at least 0. Got {value!r:.80}.")
    return found


def _plain(name: str, value: Any) -> Plain:
    found = _item(value)
    if isinstance(found, str | bool):
        return found
    if isinstance(found, int) and abs(found) < 2**53:
        return found
    if isinstance(found, float) and math.isfinite(found):
        return found
    raise SettingsError(f"`{name}` must be a text, a finite number, True or False. Got {value!r:.80}.")


def _item(value: Any) -> Any:
    """Return the plain value of a number of NumPy and the like."""
    if isinstance(value, str | bool | int | float) or value is None:
        return str(value) if isinstance(value, str) else value
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", 0) == 0 else value


def field_text(value: Any) -> str:
    """Return a name or key as a text that every reader can hold: no null bytes, no halves of characters."""
    return str(value).replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()
