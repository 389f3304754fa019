"""The words of the table format: standard column names, what they are called elsewhere, and near matches."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from ...errors import InputError, SettingsError, argument

KEYS = ("session", "step", "candidate", "repeat")
TEXT = ("session", "candidate", "repeat", "strategy", "model", "task", "state", "next_state", "ended", "scorer_hash")
IDENTIFIERS = ("program_id", "parent_id", "parent_candidate")
NUMBERS = ("count", "visits", "cost", "tokens_in", "tokens_out", "time", "weight", "propensity")
FLAGS = ("accepted", "oracle_pass", "survivors_only")
CONTENT = ("artifact",)
STANDARD = (*KEYS, *TEXT[3:], *IDENTIFIERS, *NUMBERS, *FLAGS, *CONTENT, "parent_step")

ALWAYS_TEXT = frozenset((*TEXT, *IDENTIFIERS))
ALWAYS_LABEL = frozenset(("candidate", "strategy", "model", "task", "state", "next_state", "ended", "scorer_hash"))
NEVER_LABEL = frozenset(("session", "step", "repeat", "parent_step", "survivors_only", *IDENTIFIERS))
NEVER_OBJECTIVE = frozenset((*KEYS, "parent_step", *IDENTIFIERS, *CONTENT, "survivors_only"))

ALSO_KNOWN_AS: Mapping[str, tuple[str, ...]] = {
    "session": (
        *("session", "session_id", "sessionid", "run_id", "run", "episode", "episode_id", "trajectory"),
        *("trajectory_id", "traj", "conversation", "conversation_id", "chain", "chain_id", "thread", "thread_id"),
        *("trace_id", "traceid", "trial", "experiment", "sample_id", "instance_id", "id", "uuid", "task_id", "task"),
    ),
    "step": (
        *("step", "step_id", "iteration", "iter", "turn", "round", "generation", "gen", "t", "time_step", "timestep"),
        *("index", "idx", "attempt", "epoch", "n", "i"),
    ),
}


def is_content(name: str) -> bool:
    """True for columns that hold whole artefacts or prompts; they are never loaded."""
    return name in CONTENT or name.startswith("input_")


def listed(names: Iterable[str], most: int = 24) -> str:
    """Return names as `a, b, c`, cut after `most`."""
    names = list(names)
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names spelt like `name`, the nearest first."""
    by_folded = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(name.casefold(), list(by_folded), n=3, cutoff=0.6)
    return [by_folded[f] for f in found]


def unknown(name: str, known: Sequence[str], *, file: str | None, option: str, hint: str | None = None) -> InputError:
    """Return the refusal of a column name that the table does not have."""
    close = near(name, known)
    guess = f"Did you mean {' or '.join(f'`{c}`' for c in close)}? " if close else ""
    return InputError(
        f"there is no column `{name}` ({option}). {guess}Columns: {listed(known)}.",
        file=file,
        hint=hint,
    )


def renaming(columns: Mapping[str, str] | None, known: Sequence[str], *, file: str) -> dict[str, str]:
    """Return user's column name -> standard name, refusing names that neither side has."""
    mapping = dict(columns or {})
    for standard, user in mapping.items():
        if standard not in STANDARD and not (user in known and re.search(r"[.\[*]", user)):  # a path has no good name
            close = near(standard, STANDARD)
            said = argument("columns", f"{standard}={user}", {standard: user})
            raise SettingsError(
                f"`{said}`: `{standard}` is not a standard column. "
                + (f"Did you mean `{close[0]}`? " if close else "")
                + f"Standard columns: {listed(STANDARD, 40)}."
            )
        if user not in known:
            raise unknown(user, known, file=file, option=argument("columns"))
    if len(set(mapping.values())) < len(mapping):
        raise SettingsError(
            f"`{argument('columns')}` uses one of your columns for two standard columns; each can be used once."
        )
    return {user: standard for standard, user in mapping.items()}


def by_name(wanted: str, names: Sequence[str]) -> str | None:
    """Return the column likeliest to be a `session` or `step` column, judged by its name alone."""
    folded = {n.strip().casefold().replace(" ", "_").replace("-", "_"): n for n in reversed(names)}
    return next((folded[word] for word in ALSO_KNOWN_AS[wanted] if word in folded), None)
