"""Do static scores say which program passes more tests? `python -m studies.score_power --write docs/score_power.md`.

Programs of one task are compared with one another: rank correlation within tasks, the pick among candidates, the
version of a session that is handed over. Intervals leave out tasks. Tests were run when the recordings were made;
nothing is run here.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from scipy.stats import rankdata

from loopstat.arrays import Bool, Float, Int
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import average, jackknife
from loopstat.inference.tests import holm, jackknife_p
from loopstat.io.write import check_targets, write_file
from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import hash_of

SUITE = "python,sj2025,text"
LEFT_OUT = ("likeness_first", "likeness_previous")  # there is no first version of a pool
DATA = Path("../shared/data")
SOURCES = (
    ("debugging", "ldb_humaneval/ldb_humaneval.parquet", "session", "step"),
    ("pool", "humaneval_pool/humaneval_k10.parquet", "task || model", "candidate"),
)
"""Name, file, and SQL for session and step; the second has no licence file and is not part of the project."""
LEVEL = 0.95
FOLDS = 10
RIDGE = 1e-6


@dataclass(frozen=True)
class Programs:
    """Programs with their scores and what share of the fine tests each passes.

    Attributes
    ----------
    name : str
    task, model, session : int arrays, shape (n,)
    step : int array, shape (n,)
    tests, passed : float arrays, shape (n,)
        Share of the fine tests that pass, and whether all do.
    names : tuple of str
    scores : float array, shape (n, n_scores)
        Larger is better, or so the suites say; repetition has its sign turned.
    read : bool array, shape (n,)
        Whether the program parses.
    first : bool array, shape (n,)
        The first of equal programs of one task.
    """

    name: str
    task: Int
    model: Int
    session: Int
    step: Int
    tests: Float
    passed: Float
    names: tuple[str, ...]
    scores: Float
    read: Bool
    first: Bool

    def group(self, within: str) -> Int:
        """Return the group in which programs are compared: `task`, or `task and model`."""
        return self.task if within == "task" else self.task * (1 + self.model.max()) + self.model


def programs(name: str, path: Path, session: str, step: str) -> Programs:
    """Read a table of programs of HumanEval tasks and score them.

    Parameters
    ----------
    name : str
    path : Path
    session, step : str
        SQL for the columns.
    """
    source = str(path).replace("'", "''")
    sql = f"SELECT task, model, {session} AS s, {step} AS t, plus_frac, plus_pass, artifact FROM '{source}'"  # noqa: S608
    rows = duckdb.sql(f"{sql} WHERE artifact IS NOT NULL AND plus_frac IS NOT NULL").fetchall()
    task, model, sessions, steps, tests, passed, texts = zip(*rows, strict=True)
    scorer = scorer_of(SUITE)
    scores = score_all(list(texts), scorer)
    kept = [n for n in scorer.objectives if n not in LEFT_OUT]
    sign = np.array([-1.0 if n in scorer.minimize else 1.0 for n in kept])
    keys = list(zip(task, texts, strict=True))
    seen = {key: k for k, key in reversed(list(enumerate(keys)))}
    return Programs(
        name,
        *(np.unique(np.array(column), return_inverse=True)[1] for column in (task, model, sessions)),
        np.array(steps, dtype=np.int64),
        np.array(tests, dtype=np.float64),
        np.array(passed, dtype=np.float64),
        tuple(kept),
        np.array([[s.values[n] for n in kept] for s in scores]) * sign,
        np.array(["python.unscored" not in s.counts for s in scores]),
        np.array([seen[key] == k for k, key in enumerate(keys)]),
    )


# ----------------------------------------------------------------------------------- rank correlation


@dataclass(frozen=True)
class Correlation:
    """The rank correlation of a score with the share of tests passed, within groups; p-value by leaving out tasks."""

    name: str
    value: Estimate
    p: float


def correlation(score: Float, tests: Float, group: Int, task: Int) -> tuple[Estimate, float]:
    """Return the correlation of ranks within groups, over all groups, with its interval by task.

    r = sum (rank x - mean)(rank y - mean) / sqrt(sum (rank x - mean)^2 sum (rank y - mean)^2), ranks and means within
    groups; a group in which nothing differs adds nothing.

    Examples
    --------
    >>> value, p = correlation(np.arange(12.0), np.arange(12.0), np.arange(12) // 3, np.arange(12) // 3)
    >>> float(value.value)
    1.0
    """
    sums = np.zeros((int(task.max()) + 1, 3))
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        x, y = (rankdata(v[rows]) - (len(rows) + 1) / 2 for v in (score, tests))
        x, y = x / len(rows), y / len(rows)
        sums[task[rows[0]]] += (x @ y, x @ x, y @ y)
    total = sums.sum(axis=0)
    # A task in which neither differs says nothing: left out, it leaves the same figure.
    left = total - sums[sums[:, 1:].any(axis=1)]
    value, without = _ratio(total[None])[0], _ratio(left)
    return jackknife(value, without, level=LEVEL, scale="fisher"), float(jackknife_p(value, without))


def _ratio(sums: Float) -> Float:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])
    return np.where(np.isfinite(found), np.clip(found, -1.0, 1.0), 0.0)


def correlations(p: Programs, within: str, *, read_only: bool) -> list[Correlation]:
    """Return the correlation of every score, different programs of a task alone, p-values by Holm."""
    rows = p.first & (p.read if read_only else True)
    group = p.group(within)[rows]
    columns = [*p.scores[rows].T, combined(p, rows, group)]
    found = [correlation(c, p.tests[rows], group, p.task[rows]) for c in columns]
    adjusted = holm([f[1] for f in found])
    return [Correlation(n, f[0], float(q)) for n, f, q in zip((*p.names, "all, fitted"), found, adjusted, strict=True)]


def combined(p: Programs, rows: Bool, group: Int) -> Float:
    """Return the best linear combination of all scores within groups, fitted on other tasks."""
    x, y = within(p.scores[rows], group), within(p.tests[rows][:, None], group)[:, 0]
    fold = p.task[rows] % FOLDS
    out = np.zeros(len(y))
    for k in range(FOLDS):
        a, b = x[fold != k], y[fold != k]
        weights = np.linalg.solve(a.T @ a + RIDGE * len(a) * np.eye(a.shape[1]), a.T @ b)
        out[fold == k] = x[fold == k] @ weights
    return np.round(out, 9)


def within(values: Float, group: Int) -> Float:
    """Return values without the mean of their group."""
    codes = np.unique(group, return_inverse=True)[1]
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return values - (sums / np.bincount(codes)[:, None])[codes]


# ------------------------------------------------------------------------------------------- choosing


def picked(score: Float, passed: Float, group: Int) -> tuple[Float, Float]:
    """Return by group what the highest score picks, ties shared, and what a pick at random does."""
    found = []
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        best = rows[score[rows] == score[rows].max()]
        found.append((passed[best].mean(), passed[rows].mean()))
    best_of, random = np.array(found).T
    return best_of, random


def by_task(values: Float, task: Int) -> Float:
    """Return the mean of values of each task."""
    codes = np.unique(task, return_inverse=True)[1]
    return np.asarray(np.bincount(codes, values) / np.bincount(codes))


def gains(p: Programs) -> list[tuple[str, Estimate]]:
    """Return how much more often the pick among the candidates of a model passes than one at random."""
    group = p.group("task and model")
    task = np.array([p.task[group == g][0] for g in np.unique(group)])
    columns = [*p.scores.T, combined(p, np.ones(len(p.task), bool), group), p.passed]
    found = []
    for name, column in zip((*p.names, "all, fitted", "the tests themselves"), columns, strict=True):
        best, random = picked(column, p.passed, group)
        found.append((name, average(by_task(best - random, task), level=LEVEL)))
    return found


def kept(p: Programs) -> list[tuple[str, Estimate]]:
    """Return how much more often the version with the highest score passes than a session's last one."""
    sessions = [np.flatnonzero(p.session == s) for s in np.unique(p.session)]
    sessions = [rows[np.argsort(p.step[rows])] for rows in sessions if len(rows) > 1]
    task = np.array([p.task[rows[0]] for rows in sessions])
    found = []
    for name, column in zip((*p.names, "the first", "the tests themselves"), _versions(p), strict=True):
        differences = []
        for rows in sessions:
            best = rows[column[rows] == column[rows].max()]
            differences.append(p.passed[best[-1]] - p.passed[rows[-1]])  # of equal scores the later version
        found.append((name, average(by_task(np.array(differences), task), level=LEVEL)))
    return found


def _versions(p: Programs) -> list[Float]:
    return [*p.scores.T, -p.step.astype(np.float64), p.passed]


# --------------------------------------------------------------------------------------------- page


def shown(e: Estimate, digits: int = 2) -> str:
    """Return an estimate with its interval."""
    return f"{float(e.value):.{digits}f} [{float(e.low):.{digits}f}, {float(e.high):.{digits}f}]"


def spreads(tables: Sequence[Programs]) -> list[str]:
    """Return the table of each score's spread and share at its mode."""
    lines = ["| score | " + " | ".join(f"{p.name}: sd, at the mode" for p in tables) + " |"]
    lines.append("|---|" + "---|" * len(tables))
    for j, name in enumerate(tables[0].names):
        cells = []
        for p in tables:
            values = p.scores[p.first & p.read, j]
            _, counts = np.unique(np.round(values, 2), return_counts=True)
            cells.append(f"{values.std():.2f}, {100 * counts.max() / len(values):.0f} %")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def power(tables: Sequence[Programs], within_what: str, *, read_only: bool) -> list[str]:
    """Return the table of rank correlations."""
    each = [correlations(p, within_what, read_only=read_only) for p in tables]
    lines = ["| score | " + " | ".join(f"{p.name}: r, p" for p in tables) + " |", "|---|" + "---|" * len(tables)]
    for row in zip(*each, strict=True):
        cells = (f"{shown(c.value)}, {'< 0.001' if c.p < 0.001 else f'{c.p:.2g}'}" for c in row)
        lines.append(f"| {row[0].name} | {' | '.join(cells)} |")
    return lines


HEAD = """# Do static scores say which program passes?

*Can I steer by `loopstat score` where I have no tests?* Made by `python -m studies.score_power --write
docs/score_power.md` from recorded programs of HumanEval tasks with the share of the finer HumanEval+ tests that each
passes. Programs are compared within a task; every interval is by task, p-values are after Holm's correction within a
column. Scorers {hash}.

| recording | programs | different | parse | tasks | pass all tests |
|---|---|---|---|---|---|
"""


def page(tables: Sequence[Programs], cpu: float) -> str:
    """Return the page."""
    lines = [HEAD.format(hash=hash_of(scorer_of(SUITE))).rstrip()]
    for p in tables:
        tasks = len(np.unique(p.task))
        share = f"{100 * p.read[p.first].mean():.1f} %"
        lines.append(
            f"| {p.name} | {len(p.task):,} | {p.first.sum():,} | {share} | {tasks} | {100 * p.passed.mean():.0f} % |"
        )
    lines += ["", "## How the scores spread", "", "Different programs that parse.", "", *spreads(tables)]
    lines += ["", "## Rank correlation with the tests passed, within a task", ""]
    lines += ["Different programs of one task, all of them: one that does not parse has 0 and passes nothing.", ""]
    lines += power(tables, "task", read_only=False)
    lines += ["", "Programs that parse, of one task and one model: whose style differs, not who wrote it.", ""]
    lines += power(tables, "task and model", read_only=True)
    lines += [
        "",
        "`all, fitted`: the best linear combination, fitted on other tasks. Repetition has its sign turned.",
        "",
    ]
    pool = [p for p in tables if p.name == "pool"]
    if pool:
        lines += ["## Picking one of ten candidates", ""]
        lines += ["How much more often the pick passes all tests than a candidate at random (ties shared).", ""]
        lines += ["| picked by | gain |", "|---|---|", *(f"| {n} | {shown(e, 3)} |" for n, e in gains(pool[0]))]
    debugging = [p for p in tables if p.name == "debugging"]
    if debugging:
        lines += ["", "## Handing over another version than the last", ""]
        lines += [
            "Sessions of at least two versions: how much more often the version with the highest score passes all"
        ]
        lines += ["tests than the last one (of equal scores the later version). These sessions end where the visible"]
        lines += ["tests pass, so that the last version is a chosen one.", ""]
        lines += ["| handed over | gain |", "|---|---|", *(f"| {n} | {shown(e, 3)} |" for n, e in kept(debugging[0]))]
    n = sum(len(p.task) for p in tables)
    lines += [
        "",
        "## The price",
        "",
        f"{1000 * cpu / n:.1f} ms of CPU a program for all three suites together, equal programs scored once.",
        "",
    ]
    return "\n".join(lines)


def recorded(data: Path) -> list[Programs]:
    """Return the recordings that a folder holds; of what is missing it is said that it is left out."""
    found = []
    for name, file, session, step in SOURCES:
        if (data / file).is_file():
            found.append(programs(name, data / file, session, step))
        else:
            print(f"{data / file} is not there, and is left out.", file=sys.stderr)
    return found


def main() -> int:
    """Print the page, and write it where that is asked for."""
    options = argparse.ArgumentParser(prog="python -m studies.score_power", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--data", default=str(DATA), help="folder of the recordings")
    options.add_argument("--write", metavar="PATH", help="write the page of the documentation")
    given = options.parse_args()
    check_targets({"--write": given.write})
    before = _cpu()
    tables = recorded(Path(given.data))
    if not tables:
        print(f"nothing to do: {given.data} holds none of the recordings.")
        return 0
    text = page(tables, _cpu() - before)
    print(text)
    if given.write:
        write_file(given.write, text)
    return 0


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    sys.exit(main())
