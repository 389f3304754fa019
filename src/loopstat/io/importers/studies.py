"""Studies of Optuna: the SQLite file of its storage, a session for each study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .database import database
from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of, score_name

FORMAT = Format(
    "optuna",
    "Optuna: the SQLite file of its storage",
    {"trials": "a trial of a study; each is a draw of its own, not a change of the one before"},
)
NEWEST = 12
ENDS = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}
DROPPED = ("intermediate values", "distributions", "system attributes")
TABLES = {"studies", "trials", "trial_values"}


def matches(look: Look) -> float:
    """Return how sure it is that a file is a storage of Optuna."""
    return 0.95 if not look.is_folder and look.names >= TABLES else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read all studies of a storage."""
    del progress
    reading, steps, lost = reading_of(FORMAT, asked), Steps(), 0
    with database(path) as found:
        names = {row["study_id"]: str(row["study_name"]) for row in found.rows("studies")}
        ways = list(found.rows("study_directions"))
        trials = list(found.rows("trials", "study_id, number"))
        values: dict[int, dict[int, float | None]] = {}
        for row in found.rows("trial_values"):
            finite = row.get("value_type", "FINITE") == "FINITE"
            values.setdefault(row["trial_id"], {})[row["objective"]] = number(row["value"]) if finite else None
        params: dict[int, dict[str, str]] = {}
        for row in found.rows("trial_params"):
            params.setdefault(row["trial_id"], {})[f"param_{row['param_name']}"] = f"{row['param_value']:.6g}"
        version = next((row for row in found.rows("version_info")), {})
    objectives = sorted({row["objective"] for row in ways})
    columns = {k: "value" if len(objectives) == 1 else f"value_{k}" for k in objectives}
    for trial in trials:
        scores = {columns[k]: values.get(trial["trial_id"], {}).get(k) for k in objectives}
        lost += all(v is None for v in scores.values())
        artifact = ", ".join(f"{n.removeprefix('param_')} {v}" for n, v in params.get(trial["trial_id"], {}).items())
        cells = {
            "session": names.get(trial["study_id"], str(trial["study_id"])),
            "step": int(trial["number"]),
            "state": ENDS.get(str(trial["state"]), str(trial["state"])),
            "artifact": artifact or None,
            "ended": "budget",
        }
        steps.add(cells, scores)
    smaller = tuple(score_name(columns[k]) for k in objectives if _minimised(ways, k))
    schema = str(version.get("schema_version") or "")
    notes = [f"Optuna storage of form {schema or 'unknown'}: {len(names):,} studies, {len(trials):,} trials."]
    notes.append("trials are draws, not changes of the one before: what a study holds is its best (keep=best).")
    if smaller:
        notes.append(f"smaller is better: {', '.join(smaller)}, as the studies say.")
    if number(schema) is not None and float(schema) > NEWEST:
        notes.append(f"the form {schema} of this storage is newer than {NEWEST}, the newest known.")
    report = steps.report(missing=lost, dropped=DROPPED)
    step = FORMAT.readings[reading]
    done = made(FORMAT, steps, path=path, version=schema, step=step, selection=report, notes=notes)
    return replace(done, smaller=smaller)


def _minimised(ways: list[dict[str, object]], objective: int) -> bool:
    """Return whether all studies make an objective small."""
    return all(row["direction"] == "MINIMIZE" for row in ways if row["objective"] == objective)
