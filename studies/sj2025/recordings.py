"""Recorded programs with their static scores, scored once and kept in a scratch folder; their panels."""

from __future__ import annotations

# ruff: noqa: S608  the SQL here is made of our own words, paths and numbers
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import loopstat as ls
from loopstat.arrays import Bool
from loopstat.inference.workers import Progress
from loopstat.io.table.files import digest_of
from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import Score, hash_of

SUITES = ("sj2025", "python")
OBJECTIVES = ("security", "efficiency", "functionality")
BY = ("model", "family")
SHARES = ("plus_frac", "visible_frac", "fitness")
BOUNDS = {**{f"{s}_{o}": (0, 10) for s in SUITES for o in OBJECTIVES}, **dict.fromkeys(SHARES, (0, 1))}


@dataclass(frozen=True)
class Kind:
    """What is known of a recording before it is read.

    Attributes
    ----------
    name, what : str
    file : str
        Of the programs, in the folder of the data.
    lineage : bool
        A program is changed from its parent, not from the row before.
    cluster : str
        What shares a start.
    tests : str
        The score that running the programs gives, and in words.
    rows : str
        SQL of the rows, with `{data}` for the folder: session, step, model, family, task, whether it is
        used in fits (runs that were replaced by their authors are not), and what the kind has more.
    """

    name: str
    what: str
    file: str
    lineage: bool
    cluster: str
    tests: str
    rows: str


KINDS = (
    Kind(
        "ldb_humaneval",
        "debugging of HumanEval programs, up to 10 rounds",
        "ldb_humaneval/ldb_humaneval.parquet",
        False,
        "task",
        "plus_frac",
        """SELECT session, step, model, strategy AS family, task, TRUE AS used, plus_frac, visible_frac,
        (last_value(visible_pass) OVER (PARTITION BY session ORDER BY step
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))::VARCHAR AS ended
        FROM '{data}/ldb_humaneval/ldb_humaneval.parquet'""",
    ),
    Kind(
        "llamea",
        "evolutionary search for optimisers, a lineage",
        "llamea/llamea_code.parquet",
        True,
        "session",
        "fitness",
        """SELECT session, step, model, task, parent_step, accepted, fitness,
        NOT contains(study, 'superseded') AS used,
        CASE WHEN starts_with(strategy, 'prompt') THEN 'prompt variant' WHEN starts_with(strategy, 'ratepowerlaw')
            THEN 'power-law share' ELSE 'fixed share' END AS family
        FROM '{data}/llamea/llamea_bbob.parquet'""",
    ),
)


@dataclass(frozen=True)
class Recording:
    """A recording whose programs are scored.

    Attributes
    ----------
    kind : Kind
    path : Path
        Table of its rows with their scores; null where a step has no program.
    scorer_hash : str
    """

    kind: Kind
    path: Path
    scorer_hash: str

    def columns(self, *names: str, where: str = "parses IS NOT NULL") -> dict[str, Any]:
        """Return columns of the rows that hold a program, or of others."""
        chosen = ", ".join(names)
        found = duckdb.sql(f"SELECT {chosen} FROM '{self.path}' WHERE {where} ORDER BY session, step").fetchnumpy()
        return {name: _plain(values) for name, values in found.items()}

    def panel(self, objectives: Sequence[str], *, where: str = "used", labels: Sequence[str] = ()) -> ls.Panel:
        """Return the rows as a panel: a session of consecutive rows, or a lineage of parents and proposals."""
        named = [*BY, "parses", *labels]
        links = ["parent_step", "accepted"] if self.kind.lineage else []
        chosen = ", ".join(dict.fromkeys(["session", "step", "task", *named, *links, *objectives]))
        table = duckdb.sql(f"SELECT {chosen} FROM '{self.path}' WHERE {where} ORDER BY session, step")
        bounds = {n: BOUNDS[n] for n in objectives if n in BOUNDS}
        return ls.read(table, objectives=list(objectives), labels=named, bounds=bounds)

    def parsing(self, panel: ls.Panel) -> ls.Panel:
        """Return the panel without the scores of programs that do not parse."""
        read: Bool = np.array([v == "true" for v in panel.labels["parses"].values()])
        return replace(panel, x=np.where(read[:, None], panel.x, np.nan))


def _plain(values: Any) -> Any:
    return values.filled(np.nan) if np.ma.isMaskedArray(values) and values.dtype.kind == "f" else np.ma.getdata(values)


def recording(
    kind: Kind, data: Path, scratch: Path, *, sessions: int | None = None, progress: Progress | None = None
) -> Recording | None:
    """Return a recording with its scores, from the scratch folder where they are there already.

    Parameters
    ----------
    kind : Kind
    data, scratch : Path
    sessions : int, optional
        So many of each group alone: a slice.
    progress : callable, optional

    Returns
    -------
    Recording or None
        None where the folder does not hold it.
    """
    source = data / kind.file
    if not source.is_file():
        return None
    scorer = scorer_of(list(SUITES))
    name = hash_of(scorer)
    asked = hashlib.sha256(f"{digest_of([source])} {kind.rows} {sessions} {inspect.getsource(_as_columns)}".encode())
    path = scratch / f"{kind.name}-{name}-{asked.hexdigest()[:12]}.parquet"
    if not path.is_file():
        scratch.mkdir(parents=True, exist_ok=True)
        _score(kind, data, path, sessions, progress)
    return Recording(kind, path, name)


def _score(kind: Kind, data: Path, path: Path, sessions: int | None, progress: Progress | None) -> None:
    rows = kind.rows.format(data=data)
    first = "TRUE" if sessions is None else f"place <= {sessions}"
    con = duckdb.connect()
    con.execute(f"CREATE TABLE every AS {rows}")
    con.execute(
        "CREATE TABLE chosen AS SELECT session FROM (SELECT session, row_number() OVER (PARTITION BY model, family "
        f"ORDER BY session) AS place FROM (SELECT DISTINCT session, model, family FROM every)) WHERE {first}"
    )
    texts = con.execute(
        f"SELECT session, step, artifact FROM '{data / kind.file}' JOIN chosen USING (session) "
        "WHERE artifact IS NOT NULL ORDER BY session, step"
    ).fetchall()
    scores = score_all([text for *_, text in texts], scorer_of(list(SUITES)), progress=progress)
    con.register("scores", _as_columns(texts, scores))
    partial = path.with_suffix(".part")
    con.execute(
        f"COPY (SELECT every.*, scores.* EXCLUDE (session, step) FROM every JOIN chosen USING (session) "
        f"LEFT JOIN scores USING (session, step) ORDER BY session, step) TO '{partial}' (FORMAT parquet)"
    )
    con.close()
    partial.rename(path)  # a run that was interrupted leaves no half table behind


def _as_columns(texts: Sequence[tuple[str, int, str]], scores: Sequence[Score]) -> Mapping[str, Any]:
    """Return what is kept of each score, a column each."""
    values = {f"{s}_{o}": np.array([x.values[f"{s}.{o}"] for x in scores]) for s in SUITES for o in OBJECTIVES}
    parses = ["python.unscored" not in x.counts for x in scores]
    found = [sorted({f.rule for f in x.findings if f.objective == "python.security"}) for x in scores]
    return {
        "session": np.array([session for session, *_ in texts], dtype=object),
        "step": np.array([step for _, step, _ in texts], dtype=np.int64),
        **values,
        "raw_security": np.array([x.counts.get("sj2025.raw_security", np.nan) for x in scores]),
        "lines": np.array([x.counts.get("python.logical_lines", np.nan) for x in scores]),
        "parses": np.array(["true" if p else "false" for p in parses], dtype=object),
        "rules": np.array([" ".join(rules) for rules in found], dtype=object),
    }
