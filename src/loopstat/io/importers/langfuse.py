"""Exports of Langfuse as JSON, CSV or Parquet: made from its documented schema, not tested on a real one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of, text
from .reading import bytes_of, json_values

FORMAT = Format(
    "langfuse",
    "Langfuse exports of observations or traces, JSON, CSV, and Parquet by name (not tested on a real export)",
    {
        "sessions": "an observation of a model's call, or a trace, in its session, or in its trace where none is named",
        "traces": "an observation of a model's call in its trace",
    },
)
GENERATION, PARQUET = "GENERATION", b"PAR1"
OBSERVED = ("traceId", "type", "startTime")
TRACED = ("sessionId", "timestamp")
DROPPED = ("input", "metadata", "tags", "comments")
FIELDS = """
id type name traceId startTime endTime sessionId timestamp parentObservationId projectId userId environment level model
modelParameters input output metadata tags scores observations observationCount version release public usage
inputTokens outputTokens totalTokens costDetails inputCost outputCost totalCost latency timeToFirstToken
tokensPerSecond usageDetails createdAt updatedAt statusMessage promptName promptVersion promptId traceName bookmarked
htmlPath
"""
KNOWN = frozenset(FIELDS.split())


def matches(look: Look) -> float:
    """Return how sure it is that this is an export of Langfuse."""
    if look.has("id", *OBSERVED) or look.has("id", *TRACED):
        return 0.8
    header = look.head.partition(b"\n")[0].decode(errors="replace").strip().replace('"', "").split(",")
    return 0.7 if {"id", *OBSERVED} <= {*header} or {"id", *TRACED} <= {*header} else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read an export."""
    del progress
    reading = reading_of(FORMAT, asked)
    rows = [r for r in _records(path) if str(r.get("type") or GENERATION).upper() == GENERATION]
    rows.sort(key=lambda r: str(r.get("startTime") or r.get("timestamp") or ""))
    steps, at = Steps(), dict[str, int]()
    for row in rows:
        trace = str(row.get("traceId") or row.get("id"))
        key = trace if reading == "traces" else str(row.get("sessionId") or trace)
        steps.add({"session": key, "step": at.get(key, 0), **_cells(row)}, dict(_scores(row)))
        at[key] = at.get(key, 0) + 1
    notes = [
        f"Langfuse export: {len(rows):,} calls or traces.",
        "this importer was made from the documented schema and is not tested on a real export: check a few rows.",
    ]
    step, report = FORMAT.readings[reading], steps.report(dropped=DROPPED)
    return made(FORMAT, steps, path=path, version="", step=step, selection=report, notes=notes)


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    data = bytes_of(path)
    if data.startswith(PARQUET):
        yield from _parquet(path)
    elif data.lstrip()[:1] in (b"{", b"["):
        for value in json_values(path):
            inner = value.get("data") if isinstance(value, Mapping) else None
            yield from inner if isinstance(inner, list) else [value] if isinstance(value, Mapping) else []
    else:
        yield from csv.DictReader(io.StringIO(data.decode("utf-8", "replace"), newline=""))


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        try:
            found = con.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in found.description or ()]
            yield from (dict(zip(names, row, strict=True)) for row in found.fetchall())
        except duckdb.Error as error:
            raise InputError(f"is a Parquet file that cannot be read ({error}).", file=str(path)) from None


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    used, costs = _mapping(row.get("usageDetails")), _mapping(row.get("costDetails"))
    output = row.get("output")
    tokens = [_first(used.get(k), row.get(f"{k}Tokens")) for k in ("input", "output")]
    return {
        "state": str(row.get("name") or "call"),
        "model": row.get("model") or None,
        "artifact": text(output)[:1_000_000] if isinstance(output, str) else None,
        "tokens_in": tokens[0],
        "tokens_out": tokens[1],
        "cost": _first(costs.get("total"), row.get("totalCost")),
        "time": number(row.get("latency")),
        "ended": "failure" if str(row.get("level")).upper() == "ERROR" else "unknown",
    }


def _scores(row: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield scores: a list of them, or the columns beside the known ones, which tables name after scores."""
    for score in row["scores"] if isinstance(row.get("scores"), list) else ():
        if isinstance(score, Mapping):
            yield str(score.get("name") or "score"), number(score.get("value"))
    for name, value in row.items():
        if name and name not in KNOWN and number(value) is not None:
            yield name, number(value)


def _first(*values: Any) -> float | None:
    return next((found for value in values if (found := number(value)) is not None), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        import json

        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}
