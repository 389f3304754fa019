"""Logs of GEPA: the run's log of proposals, and its result as JSON. Its pickled state is never opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of
from .reading import json_file

FORMAT = Format(
    "gepa",
    "GEPA: a run folder (run_log.json, candidates.json), run_log.json, or GEPAResult.to_dict() as JSON",
    {
        "paired": "a proposal; its score is its parent's plus what it gained on the minibatch both were tried on",
        "minibatch": "a proposal; its score is its mean on its own minibatch, which differs from proposal to proposal",
    },
)
NEWEST = 2
LOG, TEXTS = "run_log.json", "candidates.json"
DROPPED = ("scores of single examples", "reflections", "pareto fronts")
Entry = Mapping[str, Any]


def matches(look: Look) -> float:
    """Return how sure it is that a log is GEPA's."""
    if look.is_folder:
        return 0.9 if LOG in look.names else 0.0
    if look.has("candidates", "parents", "val_aggregate_scores"):
        return 0.9
    return 0.8 if look.has("i", "subsample_ids") else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read a run or a result."""
    del progress
    file = path / LOG if path.is_dir() else path
    data = json_file(file)
    if isinstance(data, Mapping):
        return _result(file, data)
    texts = json_file(file.with_name(TEXTS)) if file.with_name(TEXTS).is_file() else []
    return _run(file, reading_of(FORMAT, asked), data, texts)


def _run(path: Path, reading: str, log: Sequence[Entry], texts: Sequence[Mapping[str, str]]) -> Imported:
    """Read the log of a run: every proposal that was scored, accepted or not."""
    steps, reached, skipped = Steps(), {}, 0
    name = path.parent.name
    for entry in log:
        tasks = list(_tasks(entry))
        scored = [t for t in tasks if t[2] is not None]
        skipped += max(len(tasks) - len(scored), 0) if tasks else 1
        kept = _accepted(entry, scored)
        for k, (parent, before, after) in enumerate(scored):
            assert after is not None  # noqa: S101 - such tasks were left out
            if parent not in reached:  # the seed, or what an earlier log holds
                reached[parent] = before
                cells = {"session": name, "step": 0, "candidate": str(parent), "program_id": str(parent)}
                steps.add({**cells, "artifact": _text(texts, parent), **END, "accepted": True}, {"score": before})
            score = after if reading == "minibatch" else reached[parent] + after - before
            new = kept.get(k)
            own = str(new) if new is not None else f"rejected {entry['i']}.{k}"
            if new is not None:
                reached[new] = score
            cells = {"session": name, "step": int(entry["i"]) + 1, "candidate": own, "program_id": own}
            cells |= {"parent_id": str(parent), "accepted": new is not None, "artifact": _text(texts, new), **END}
            steps.add(cells, {"score": score, "minibatch": after} if reading == "paired" else {"score": score})
    steps.scores.pop("minibatch", None)
    notes = [
        "GEPA run log: accepted and rejected proposals, each scored on a minibatch with its parent beside it.",
        "scores on the whole validation set stand in its result (GEPAResult.to_dict()), for accepted ones alone.",
    ]
    report = steps.report(missing=skipped, dropped=DROPPED)
    return made(FORMAT, steps, path=path, version="", step=FORMAT.readings[reading], selection=report, notes=notes)


END = {"ended": "budget"}


def _tasks(entry: Entry) -> Iterator[tuple[int, float, float | None]]:
    """Yield (parent, its mean, the proposal's mean or None) of every proposal of an iteration."""
    if entry.get("merged") and entry.get("new_program_subsample_scores") is not None:
        one, two = (_mean(entry.get(f"id{k}_subsample_scores")) or 0.0 for k in (1, 2))
        parents = entry.get("merged_entities") or (0, 0)
        yield int(parents[0 if one >= two else 1]), max(one, two), _mean(entry["new_program_subsample_scores"])
        return
    tasks = entry.get("tasks")
    if tasks is None and "selected_program_candidate" in entry:
        tasks = [{**entry, "parent_idx": entry["selected_program_candidate"]}]
    for task in tasks or ():
        before = _mean(task.get("subsample_scores"))
        after = _mean(task.get("new_subsample_scores"))
        yield int(task["parent_idx"]), before or 0.0, None if before is None else after


def _mean(scores: Any) -> float | None:
    found = [v for s in scores or () if (v := number(s)) is not None]
    return sum(found) / len(found) if found else None


def _accepted(entry: Entry, scored: Sequence[tuple[int, float, float | None]]) -> dict[int, int]:
    """Return the new index of every accepted proposal: where fewer were accepted than made, those that gained most."""
    new = entry.get("new_program_indices") or [n for n in [entry.get("new_program_idx")] if n is not None]
    best = sorted(range(len(scored)), key=lambda k: scored[k][1] - (scored[k][2] or 0.0))[: len(new)]
    return dict(zip(sorted(best), map(int, new), strict=False))


def _text(texts: Sequence[Mapping[str, str]], index: int | None) -> str | None:
    if index is None or index >= len(texts):
        return None
    return "\n".join(f"{name}: {text}" if len(texts[index]) > 1 else text for name, text in texts[index].items())


def _result(path: Path, data: Entry) -> Imported:
    """Read a result: the candidates that were accepted, on the whole validation set."""
    steps, more = Steps(), data.get("val_aggregate_subscores") or []
    for k, score in enumerate(data["val_aggregate_scores"]):
        parents = [p for p in (data["parents"][k] or ()) if p is not None]
        cells = {"session": path.stem, "step": k, "program_id": str(k), "survivors_only": True, **END}
        cells |= {"parent_id": str(parents[0]) if parents else None, "artifact": _text(data["candidates"], k)}
        others = more[k] if k < len(more) and isinstance(more[k], Mapping) else {}
        steps.add(cells, {"score": number(score), **{str(n): number(v) for n, v in others.items()}})
    version = str(data.get("validation_schema_version") or "")
    notes = ["GEPA result: accepted candidates alone, each with its mean over the validation set."]
    if number(version) is not None and float(version) > NEWEST:
        notes.append(f"the form {version} of this result is newer than {NEWEST}, the newest known.")
    if any(len(p or ()) > 1 for p in data["parents"]):
        notes.append("candidates merged of two parents are taken for children of the first.")
    report = steps.report(kept_only=True, dropped=DROPPED)
    step = "an accepted candidate, in the order of their discovery"
    return made(FORMAT, steps, path=path, version=version, step=step, selection=report, notes=notes)
