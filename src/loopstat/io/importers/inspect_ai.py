"""Logs of Inspect AI: `.eval` (a ZIP archive, its members often packed with zstd) and `.json`; unfinished ones too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import InputError
from .archive import archive
from .log import Asked, Format, Imported, Look, Progress, Steps, made, natural, number, reading_of
from .reading import json_file

FORMAT = Format(
    "inspect",
    "Inspect AI logs, .eval and .json, finished or not",
    {
        "model": "a call of the model in a sample; its scores are those given before the next call",
        "scores": "a scoring of a sample, with everything the model was called for since the last one",
        "epochs": "an epoch of a sample: attempts at one start, each with its final scores",
    },
)
NEWEST = 3
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # the tool's own reading of its grades
START, HEADER = "_journal/start.json", "header.json"
DROPPED = ("input", "target", "messages", "metadata", "store", "explanations of scores", "tool and sandbox events")
ATTACHED = ("attachment://", "tc://")
SCORERS = ("scorer", "scorers")


def matches(look: Look) -> float:
    """Return how sure it is that a log is Inspect's."""
    if look.names and not look.is_folder:
        return 1.0 if {START, HEADER} & look.names else 0.0
    return 0.9 if look.has("version", "status", "eval.task") or look.has("status", "eval.run_id") else 0.0


@dataclass
class Turn:
    """A call of the model and what was scored after it."""

    cells: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    between: bool = False  # scored before the end of the sample


@dataclass(frozen=True)
class Sample:
    """One sample in one epoch."""

    id: str
    epoch: int
    turns: list[Turn]
    ended: str
    retries: int
    final: Mapping[str, float | None]


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read a log."""
    lost: dict[str, None] = {}
    if path.read_bytes()[:2] == b"PK":
        with archive(path) as zipped:
            head = zipped.json(HEADER if HEADER in zipped.names else START)
            names = natural(n for n in zipped.names if n.startswith("samples/") and n.endswith(".json"))
            found = []
            for k, name in enumerate(names):
                if progress is not None:
                    progress(k, len(names), "samples")
                found.append(_sample(zipped.json(name), head, lost))
            finished = HEADER in zipped.names
    else:
        head = json_file(path)
        found = [_sample(sample, head, lost) for sample in head.get("samples") or ()]
        finished = head.get("status") != "started"
    if not found:
        raise InputError(
            f"this {FORMAT.name} log holds no samples (status: {head.get('status', 'started')}).",
            file=str(path),
            hint="samples are logged unless it was asked not to (log_samples), and by the batch while a run goes on.",
        )
    return _table(path, asked, head, found, finished, tuple(lost))


def _table(
    path: Path, asked: Asked, head: Mapping[str, Any], samples: Sequence[Sample], finished: bool, lost: tuple[str, ...]
) -> Imported:
    between = any(turn.between for sample in samples for turn in sample.turns)
    reading = reading_of(FORMAT, asked, "scores" if between else "model")
    about, steps = _about(head), Steps()
    for sample in samples:
        rows = ROWS[reading](sample)
        name = f"{sample.id}#{sample.epoch}" if reading != "epochs" else sample.id
        for t, turn in rows:
            own = {"session": name, "step": t, "task": f"{about['eval']}:{sample.id}", "strategy": about["strategy"]}
            cells = {**own, "model": about["model"], **turn.cells, "eval": about["eval"], "ended": sample.ended}
            steps.add(cells, turn.scores)
    missing = max(_expected(head) - len(samples), 0)
    retries = sum(sample.retries for sample in samples)
    report = steps.report(missing=missing + retries, lost=retries, dropped=(*DROPPED, *lost))
    version = str(head.get("version") or "")
    notes = [*_notes(head, finished, version), f"a step is {FORMAT.readings[reading]} ({FORMAT.name}:{reading})."]
    if between and reading == "scores":
        notes.append("some samples are scored before their end, so steps are scorings; inspect:model takes every call.")
    return made(FORMAT, steps, path=path, version=version, step=FORMAT.readings[reading], selection=report, notes=notes)


def _notes(head: Mapping[str, Any], finished: bool, version: str) -> Iterator[str]:
    package = ((head.get("eval") or {}).get("packages") or {}).get("inspect_ai", "of an unknown version")
    yield f"Inspect AI log, form {version or 'unknown'}, written by inspect_ai {package}."
    if number(version) is not None and float(version) > NEWEST:
        yield f"the form {version} of this log is newer than {NEWEST}, the newest known: figures may be read wrongly."
    if not finished:
        yield "the run had not finished when this log was copied: samples under way are missing."
    elif head.get("status") not in (None, "success"):
        yield f"the run ended with the status {str(head.get('status'))[:40]!r}."


def _about(head: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what all samples share: the eval, its model and its solvers."""
    about = head.get("eval") or {}
    plan = (head.get("plan") or {}).get("steps") or ()
    solvers = about.get("solver") or "+".join(str(step.get("solver", "?")) for step in plan)
    return {"eval": str(about.get("task") or "eval"), "model": about.get("model"), "strategy": solvers or None}


def _expected(head: Mapping[str, Any]) -> int:
    """Return how many samples the run was to have, over all epochs; 0 where nothing says."""
    total = (head.get("results") or {}).get("total_samples")
    if total:
        return int(total)
    about = head.get("eval") or {}
    config, data = about.get("config") or {}, about.get("dataset") or {}
    samples = len(data.get("sample_ids") or ()) or int(data.get("samples") or 0)
    if isinstance(config.get("limit"), int):
        samples = min(samples, config["limit"])
    return samples * int(config.get("epochs") or 1)


# ---------------------------------------------------------------------------------------------- samples


def _sample(sample: Mapping[str, Any], head: Mapping[str, Any], lost: dict[str, None]) -> Sample:
    attached = sample.get("attachments") or (sample.get("transcript") or {}).get("content") or {}
    events = sample.get("events") or (sample.get("transcript") or {}).get("events") or ()
    final = _flat(sample.get("scores") or {}, lost)
    turns = _turns(list(_walk(events)), _named(head), attached, lost)
    if not any(turn.cells for turn in turns):
        turns = [*(_said(message) for message in sample.get("messages") or () if message.get("role") == "assistant")]
        if turns:
            turns[-1].cells |= _used((sample.get("output") or {}).get("usage"))
    turns = turns or [Turn()]
    turns[-1].scores |= final
    ended = "failure" if sample.get("error") else "budget" if sample.get("limit") else "target"
    retries = len(sample.get("error_retries") or ())
    return Sample(str(sample.get("id")), int(sample.get("epoch") or 1), turns, ended, retries, final)


def _walk(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield events in order, those inside tools and subtasks (older logs) too."""
    for event in events:
        yield from _walk(event.get("events") or ())
        yield event


def _turns(
    events: Sequence[Mapping[str, Any]], scorer: str, attached: Mapping[str, str], lost: dict[str, None]
) -> list[Turn]:
    """Return the calls of the model outside scorers, each with the scores given before the next."""
    turns: list[Turn] = []
    grading: set[str] = set()
    inside = 0
    for event in events:
        kind = event.get("event")
        if kind == "span_begin" and (event.get("type") in SCORERS or event.get("parent_id") in grading):
            grading.add(str(event.get("id")))
        elif kind == "step" and event.get("type") == "scorer":
            inside += 1 if event.get("action") == "begin" else -1
        elif kind == "model" and not inside and event.get("span_id") not in grading:
            turns.append(_called(event, attached))
        elif kind == "score" and event.get("intermediate"):
            turns = turns or [Turn()]
            turns[-1].scores |= _flat({str(event.get("scorer") or scorer): event.get("score") or {}}, lost)
            turns[-1].between = True
    return turns


def _named(head: Mapping[str, Any]) -> str:
    """Return the scorer that unnamed scores are of: the only one, if there is only one."""
    scorers = (head.get("eval") or {}).get("scorers") or (head.get("results") or {}).get("scores") or ()
    names = [str(s.get("name")) for s in scorers if isinstance(s, dict)]
    return names[0] if len(names) == 1 else "score"


def _called(event: Mapping[str, Any], attached: Mapping[str, str]) -> Turn:
    output = event.get("output") or {}
    choices = output.get("choices") or [{}]
    turn = _said(choices[0].get("message") or {}, attached)
    if not turn.cells.get("artifact") and output.get("completion"):
        turn.cells["artifact"] = _resolved(output["completion"], attached)
    seconds = number(event.get("working_time"))
    turn.cells |= {"model": event.get("model"), **_used(output.get("usage"))}
    turn.cells["time"] = number(output.get("time")) if seconds is None else seconds
    if event.get("error"):
        turn.cells["state"] = "error"
    return turn


def _said(message: Mapping[str, Any], attached: Mapping[str, str] | None = None) -> Turn:
    calls = message.get("tool_calls") or ()
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    state = str(calls[0].get("function") or "tool") if calls else "answer"
    return Turn({"state": state, "artifact": _resolved(content, attached or {})})


def _resolved(text: Any, attached: Mapping[str, str]) -> str | None:
    """Return a text, looked up where only its hash stands in its place."""
    if not isinstance(text, str):
        return None
    start = next((a for a in ATTACHED if text.startswith(a)), None)
    return text if start is None else str(attached.get(text[len(start) :], text))


def _used(usage: Mapping[str, Any] | None) -> dict[str, float | None]:
    """Return tokens; those read from and written to a cache are put to the input."""
    if not usage:
        return {"tokens_in": None, "tokens_out": None}
    kinds = ("input_tokens", "input_tokens_cache_read", "input_tokens_cache_write")
    found = {
        "tokens_in": sum(int(usage.get(k) or 0) for k in kinds),
        "tokens_out": int(usage.get("output_tokens") or 0),
    }
    cost = number(usage.get("total_cost"))
    return {**found, **({} if cost is None else {"cost": cost})}


def _flat(scores: Mapping[str, Any], lost: dict[str, None]) -> dict[str, float | None]:
    """Return scores as numbers: grades by their letters, one column for each key of a dictionary."""
    found: dict[str, float | None] = {}
    for name, score in scores.items():
        value = score.get("value") if isinstance(score, Mapping) else score
        for key, part in value.items() if isinstance(value, Mapping) else [("", value)]:
            column = f"{name}.{key}" if key else str(name)
            graded = LETTERS.get(part) if isinstance(part, str) else None
            found[column] = number(part) if graded is None else graded
            if found[column] is None and part is not None and part == part:
                lost[f"scores of {column} that are no numbers"] = None
    return found


# ---------------------------------------------------------------------------------------------- readings


def _by_model(sample: Sample) -> Iterator[tuple[int, Turn]]:
    yield from enumerate(sample.turns)


def _by_score(sample: Sample) -> Iterator[tuple[int, Turn]]:
    """Yield scored turns, with what was used since the last one."""
    t, since = 0, []
    for turn in sample.turns:
        since.append(turn)
        if turn.scores:
            yield t, Turn({**turn.cells, **_summed(since)}, turn.scores)
            t, since = t + 1, []


def _by_epoch(sample: Sample) -> Iterator[tuple[int, Turn]]:
    yield sample.epoch - 1, Turn({**sample.turns[-1].cells, **_summed(sample.turns)}, dict(sample.final))


def _summed(turns: Sequence[Turn]) -> dict[str, float]:
    sums = {}
    for name in ("tokens_in", "tokens_out", "cost", "time"):
        known = [v for turn in turns if (v := turn.cells.get(name)) is not None]
        if known:
            sums[name] = sum(known)
    return sums


ROWS = {"model": _by_model, "scores": _by_score, "epochs": _by_epoch}
