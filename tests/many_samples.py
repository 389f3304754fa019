"""Recordings in parts, and comparing what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MAP = np.array([[0.6, 0.15], [0.0, 0.5]])
CLOSE = 1e-10
OF_ROWS = ("curved", "duplicate_sessions")
"""Checks that sums do not carry."""


def loops(sessions: int, steps: int = 6, *, seed: int = 0, tasks: int = 0, offset: float = 0.0) -> pl.DataFrame:
    """Return a table of loops of two objectives, of two strategies, with tasks where asked for."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(sessions):
        x = rng.standard_normal(2)
        for t in range(steps):
            task = {"task": f"task {k % tasks}"} if tasks else {}
            rows.append({"session": f"s{k}", "step": t, "strategy": "ab"[k % 2], **task, "p": x[0] + offset, "q": x[1]})
            x = MAP @ x + (0.3 if k % 2 else 0.5) + 0.5 * rng.standard_normal(2)
    return pl.DataFrame(rows)


def written(table: pl.DataFrame, folder: Path, cuts: Sequence[int]) -> list[Path]:
    """Write the sessions of a table to several Parquet files and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    sessions = table["session"].unique(maintain_order=True).to_list()
    paths = []
    for k, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(sessions)], strict=True)):
        paths.append(folder / f"part{k}.parquet")
        table.filter(pl.col("session").is_in(sessions[begin:end])).write_parquet(paths[-1])
    return paths


def differences(a: Any, b: Any, place: str = "") -> Iterator[str]:
    """Yield the places at which two results differ, numbers by more than 1e-10 of the larger of 1 and their size."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            if key not in a or key not in b:
                yield f"{place}.{key}"
            else:
                yield from differences(a[key], b[key], f"{place}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for k, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from differences(one, other, f"{place}[{k}]")
    elif isinstance(a, float) and isinstance(b, int | float):
        if not abs(a - b) <= CLOSE * max(1.0, abs(b)):
            yield f"{place}: {a} and {b}"
    elif a != b:
        yield f"{place}: {str(a)[:60]} and {str(b)[:60]}"


def carried(result: Any) -> dict[str, Any]:
    """Return what sums carry of an analysis: all of it but the names of clusters and what needs the rows."""
    data = result.to_dict()
    for name in ("against", "pareto", "notes", "source", "settings"):
        del data[name]
    for group in data["groups"]:
        group["checks"] = [c for c in group["checks"] if c["name"] not in OF_ROWS]
        for row in group["influential"]:
            del row["cluster"]
    return data
