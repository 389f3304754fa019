"""Trajectories of SWE-agent (.traj) and mini-swe-agent (.traj.json), by the step; scores only by retries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of
from .reading import json_file

FORMAT = Format(
    "swe-agent",
    "SWE-agent .traj and mini-swe-agent .traj.json",
    {
        "actions": "an action of the agent; its state is the command it ran",
        "attempts": "an attempt at the task, with what the reviewer gave it",
    },
)
KNOWN = ("mini-swe-agent-1", "mini-swe-agent-1.0", "mini-swe-agent-1.1")
DROPPED = ("observations", "thoughts", "queries", "history")
WORD = re.compile(r"[\w./-]+")
BUDGET = ("exit_cost", "exit_context", "exit_total", "exit_command_timeout", "limitsexceeded", "timeexceeded", "cost")
FAILURE = ("error", "exit_api", "exit_format", "exit_forfeit", "exception", "environment")


def matches(look: Look) -> float:
    """Return how sure it is that a trajectory is one of these."""
    if look.has("trajectory", "trajectory[].action") or look.has("trajectory_format", "messages"):
        return 0.9
    if look.has("info.mini_version") or look.has("info.model_stats", "messages"):
        return 0.9
    return 0.6 if look.has("history", "history[].role") or look.has("attempts", "attempts[].trajectory") else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read a trajectory."""
    del progress
    data = json_file(path)
    attempts: Sequence[Mapping[str, Any]] = data.get("attempts") or ()
    reading = reading_of(FORMAT, asked, "attempts" if len(attempts) > 1 else "actions")
    info, steps = data.get("info") or {}, Steps()
    name = path.name.removesuffix(".json").removesuffix(".traj")
    ended = ended_by(info.get("exit_status"))
    rows = _attempts(attempts) if reading == "attempts" else _actions(data, attempts)
    for t, (cells, scores) in enumerate(rows):
        steps.add({"session": name, "step": t, **cells, "ended": ended}, scores)
    report = steps.report(dropped=DROPPED)
    version = str(data.get("trajectory_format") or "")
    notes = list(_notes(info, version))
    return made(FORMAT, steps, path=path, version=version, step=FORMAT.readings[reading], selection=report, notes=notes)


def _notes(info: Mapping[str, Any], version: str) -> Iterator[str]:
    stats = info.get("model_stats") or {}
    totals = (("cost", "instance_cost"), ("tokens in", "tokens_sent"), ("tokens out", "tokens_received"))
    said = [f"{name} {stats[key]:g}" for name, key in totals if number(stats.get(key))]
    calls = f" in {stats['api_calls']} calls" if stats.get("api_calls") else ""
    yield f"agent trajectory, ended by {str(info.get('exit_status') or 'nothing that is told')[:60]!r}."
    if said:
        yield f"{', '.join(said)} altogether{calls}; an old trajectory does not say by the step."
    if version.startswith("mini") and version not in KNOWN:
        yield f"the form {version[:40]!r} of this trajectory is newer than {KNOWN[-1]}: figures may be read wrongly."


def ended_by(status: Any) -> str:
    """Return how a session ended by the word the agent left.

    Examples
    --------
    >>> ended_by("submitted"), ended_by("submitted (exit_cost)"), ended_by("LimitsExceeded"), ended_by(None)
    ('target', 'budget', 'budget', 'unknown')
    """
    word = str(status or "").lower()
    if not word:
        return "unknown"
    if any(b in word for b in BUDGET):
        return "budget"
    if any(f in word for f in FAILURE):
        return "failure"
    return "target" if word.startswith("submitted") else "unknown"


Row = tuple[dict[str, Any], dict[str, float | None]]


def _actions(data: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    if "messages" in data:
        yield from _mini(data["messages"])
    elif data.get("trajectory") or attempts:
        for entry in data.get("trajectory") or [e for a in attempts for e in a.get("trajectory") or ()]:
            action = entry.get("action") or ""
            yield {**_state(action), "artifact": action, "time": number(entry.get("execution_time"))}, {}
    else:
        for message in data.get("history") or ():
            if message.get("role") == "assistant":
                yield {**_state(message.get("action") or _called(message)), "artifact": _content(message)}, {}


def _mini(messages: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the assistant's messages of a mini-swe-agent, with what their commands returned."""
    for k, message in enumerate(messages):
        if message.get("role") != "assistant":
            continue
        extra = message.get("extra") or {}
        actions = [a.get("command") if isinstance(a, Mapping) else a for a in extra.get("actions") or ()]
        usage = (extra.get("response") or {}).get("usage") or {}
        after = messages[k + 1] if k + 1 < len(messages) else {}
        cells = {
            **_state(str(actions[0]) if actions else _content(message) or ""),
            "artifact": _content(message),
            "cost": number(extra.get("cost")),
            "tokens_in": number(usage.get("prompt_tokens")),
            "tokens_out": number(usage.get("completion_tokens")),
            "returncode": number((after.get("extra") or {}).get("returncode")),
        }
        yield cells, {}


def _attempts(attempts: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for attempt in attempts:
        info = attempt.get("info") or {}
        review, stats = info.get("review") or {}, info.get("model_stats") or {}
        cells = {
            "artifact": info.get("submission"),
            "cost": number(stats.get("instance_cost")),
            "tokens_in": number(stats.get("tokens_sent")),
            "tokens_out": number(stats.get("tokens_received")),
            "state": ended_by(info.get("exit_status")),
        }
        yield cells, {"accept": number(review.get("accept"))} if review else {}


def _state(action: str) -> dict[str, str]:
    """Return the command of an action as its state."""
    found = WORD.search(action)
    return {"state": found[0][:60] if found else "nothing"}


def _called(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls") or ()
    return str((calls[0].get("function") or {}).get("name") or "") if calls else ""


def _content(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else None
