"""Logs of OpenEvolve: its evolution trace, and checkpoints, which hold no more than the programs that survived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from .log import Asked, Format, Imported, Look, Progress, Steps, made, natural, number, reading_of
from .reading import json_file, json_lines

FORMAT = Format(
    "openevolve",
    "OpenEvolve: evolution_trace.jsonl or .json, checkpoints (metadata.json and programs/), a folder of programs",
    {
        "run": "an iteration of a run; a program's parent is the program it was made from, on whatever island",
        "islands": "an iteration on an island; what came from another island starts anew",
    },
)
TRACE = re.compile(r"^evolution_trace.*\.(jsonl|json)(\.gz)?$")
CHECKPOINT = re.compile(r"^checkpoint_\d+$")
DROPPED = ("prompt", "llm_response", "artifacts", "metadata", "complexity", "diversity")
Program = Mapping[str, Any]


def matches(look: Look) -> float:
    """Return how sure it is that a log is OpenEvolve's."""
    if not look.is_folder:
        return 0.9 if look.has("iteration", "parent_id", "child_id", "child_metrics") or _exported(look) else 0.0
    if any(TRACE.match(n) or CHECKPOINT.match(n) for n in look.names) or {"metadata.json", "programs"} <= look.names:
        return 0.9
    if "checkpoints" in look.names:
        return 0.8
    first = next((n for n in natural(look.names) if n.endswith(".json")), None)
    return 0.7 if first is not None and _is_program(look.path / first) else 0.0


def _exported(look: Look) -> bool:
    return look.has("metadata", "metadata.total_traces") and "traces" in look.keys


def _is_program(path: Path) -> bool:
    from .log import FIRST_BLOCK

    with path.open("rb") as stream:
        return Look(path, stream.read(FIRST_BLOCK)).has("id", "code", "parent_id")


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read a trace or checkpoints; of a folder the trace where there is one, for it holds what was tried and lost."""
    del progress
    reading = reading_of(FORMAT, asked)
    name = path.name if path.is_dir() else path.parent.name or path.stem
    if path.is_dir():
        trace = next((path / n for n in natural(p.name for p in path.iterdir()) if TRACE.match(n)), None)
        if trace is None:
            return _survivors(path, name, reading)
        path = trace
    return _traced(path, name, reading)


def _traced(path: Path, name: str, reading: str) -> Imported:
    """Read a trace: a row for every child, and one for every parent that is no child of the trace."""
    steps = Steps()
    seen: set[str] = set()
    iterations: set[int] = set()
    failed = 0
    for entry in _entries(path):
        iteration, island = int(entry["iteration"]), entry.get("island_id")
        iterations.add(iteration)
        above, below = str(entry["parent_id"]), str(entry["child_id"])
        shared = {"session": _session(name, island, reading), "island": None if island is None else str(island)}
        if above not in seen:
            seen.add(above)
            own = {**shared, "step": min(iterations) - 1, "candidate": above, "program_id": above, "parent_id": None}
            cells = {**own, "artifact": entry.get("parent_code"), "ended": "budget"}
            steps.add(cells, _metrics(entry.get("parent_metrics")))
        scores = _metrics(entry.get("child_metrics"))
        failed += not any(v is not None for v in scores.values())
        seen.add(below)
        own = {**shared, "step": iteration, "candidate": below, "program_id": below, "parent_id": above}
        cells = {**own, "artifact": entry.get("child_code"), "ended": "budget"}
        steps.add(cells, scores)
    first, last = (min(iterations), max(iterations)) if iterations else (0, -1)
    gaps = last - first + 1 - len(iterations)
    notes = [
        "OpenEvolve trace: every program that was evaluated, kept or not; edits that could not be applied left none.",
        f"iterations {first} to {last}, {gaps:,} of them without a program.",
        "a population goes on from many of its programs: keep=best looks at the best so far.",
    ]
    report = steps.report(missing=gaps + failed, dropped=DROPPED)
    return made(FORMAT, steps, path=path, version="", step=FORMAT.readings[reading], selection=report, notes=notes)


def _entries(path: Path) -> Iterator[Program]:
    if not path.name.removesuffix(".gz").endswith(".json"):
        yield from (entry for _, entry in json_lines(path))
        return
    data = json_file(path)
    yield from data["traces"] if isinstance(data, Mapping) else data


def _session(name: str, island: Any, reading: str) -> str:
    return f"{name}/island {island}" if reading == "islands" and island is not None else name


def _metrics(metrics: Any) -> dict[str, float | None]:
    """Return the metrics that are numbers."""
    return {str(k): number(v) for k, v in (metrics or {}).items() if isinstance(v, bool | int | float)}


def _survivors(folder: Path, name: str, reading: str) -> Imported:
    """Read checkpoints: the programs of all of them together."""
    programs, tried = _programs(folder)
    if not programs:
        raise InputError("this openevolve folder holds no program.", file=str(folder))
    steps = Steps()
    for program in sorted(programs.values(), key=lambda p: (_found(p), str(p["id"]))):
        above = program.get("parent_id")
        island = (program.get("metadata") or {}).get("island")
        kept = above is not None and str(above) in programs
        cells = {
            "session": _session(name, island, reading),
            "step": _found(program),
            "candidate": str(program["id"]),
            "program_id": str(program["id"]),
            "parent_id": str(above) if kept else None,
            "island": None if island is None else str(island),
            "artifact": program.get("code"),
            "ended": "budget",
            "survivors_only": True,
        }
        steps.add(cells, _metrics(program.get("metrics")))
    orphans = sum(p.get("parent_id") is not None and str(p["parent_id"]) not in programs for p in programs.values())
    notes = ["OpenEvolve checkpoints: the programs that survived; the trace (evolution_trace.jsonl) holds them all."]
    if orphans:
        notes.append(f"the parents of {orphans:,} programs did not survive: no transition leads to these.")
    missing = max(tried + 1 - len(programs), 0) if tried else None
    report = steps.report(missing=missing, kept_only=True, dropped=DROPPED)
    return made(FORMAT, steps, path=folder, version="", step=FORMAT.readings[reading], selection=report, notes=notes)


def _found(program: Program) -> int:
    return int(program.get("iteration_found") or 0)


def _programs(folder: Path) -> tuple[dict[str, Program], int]:
    """Return the programs below a folder by their id, and the last iteration that is known of."""
    files, tried = [], 0
    for place in _places(folder):
        if (place / "metadata.json").is_file():
            tried = max(tried, int(json_file(place / "metadata.json").get("last_iteration") or 0))
        inner = place / "programs" if (place / "programs").is_dir() else place
        files += [p for p in sorted(inner.glob("*.json")) if p.name != "metadata.json"]
    programs: dict[str, Program] = {}
    for file in files:
        data = json_file(file)
        if isinstance(data, Mapping) and "id" in data and "code" in data:
            programs[str(data["id"])] = data
    return programs, tried


def _places(folder: Path) -> list[Path]:
    inner = folder / "checkpoints" if (folder / "checkpoints").is_dir() else folder
    found = [inner / n for n in natural(p.name for p in inner.iterdir()) if CHECKPOINT.match(n)]
    return found or [folder]
