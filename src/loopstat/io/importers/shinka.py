"""Runs of ShinkaEvolve: the SQLite file of programs, all that were evaluated, and its log of proposals that failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .database import database
from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of

FORMAT = Format(
    "shinka",
    "ShinkaEvolve: its SQLite file of programs",
    {
        "run": "a program of a generation; its parent is the program it was made from, on whatever island",
        "islands": "a program of a generation on an island; what came from another island starts anew",
    },
)
DROPPED = ("embeddings", "inspirations", "private metrics", "text feedback", "code diffs")
TABLES = {"programs", "metadata_store"}


def matches(look: Look) -> float:
    """Return how sure it is that a file is a run of ShinkaEvolve."""
    return 0.9 if not look.is_folder and look.names >= TABLES else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read a run."""
    del progress
    reading = reading_of(FORMAT, asked)
    name, steps, wrong = path.parent.name or path.stem, Steps(), 0
    with database(path) as found:
        programs = list(found.rows("programs", "generation, timestamp, id"))
        failed = sum(row.get("status") == "failed" for row in found.rows("attempt_log"))
        archive = {row["program_id"] for row in found.rows("archive")}
    known = {str(p["id"]) for p in programs}
    for program in programs:
        above, island, correct = program.get("parent_id"), program.get("island_idx"), bool(program.get("correct"))
        wrong += not correct
        cells = {
            "session": f"{name}/island {island}" if reading == "islands" and island is not None else name,
            "step": int(program["generation"]),
            "candidate": str(program["id"]),
            "program_id": str(program["id"]),
            "parent_id": str(above) if above is not None and str(above) in known else None,
            "island": None if island is None else str(island),
            "correct": correct,
            "archived": program["id"] in archive,
            "artifact": program.get("code"),
            "ended": "budget",
        }
        scores = {"combined_score": number(program.get("combined_score")) if correct else None}
        steps.add(cells, {**scores, **(_metrics(program.get("public_metrics")) if correct else {})})
    notes = [
        "ShinkaEvolve: every program that was evaluated; a program that is not correct has no score.",
        "a population goes on from many of its programs: keep=best looks at the best so far.",
    ]
    report = steps.report(missing=failed, lost=failed, dropped=DROPPED)
    if wrong:
        notes.append(f"{wrong:,} programs are not correct.")
    return made(FORMAT, steps, path=path, version="", step=FORMAT.readings[reading], selection=report, notes=notes)


def _metrics(text: Any) -> dict[str, float | None]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    metrics = found if isinstance(found, Mapping) else {}
    return {str(k): number(v) for k, v in metrics.items() if isinstance(v, bool | int | float)}
