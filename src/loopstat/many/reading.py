"""Sums of files: one piece of work a file, each read in parts of whole sessions, here or wherever an executor runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..decide.carried import Holding
from ..decide.rows import KEEPS
from ..errors import InputError, SettingsError, argument
from ..inference.workers import Progress, silent
from ..io.parts import objectives_by_sample, read_parts
from ..io.settings import Bounds, Wanted
from ..io.table.files import find, names_of
from ..io.table.opening import is_paths
from ..io.table.partitions import partitions_of
from ..panel.labels import Labels, as_names
from ..panel.panel import Panel
from ..panel.scorers import SCORER
from .sums import TASK, Made, Place, Stats, beside, stats_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

ROWS = 500_000  # of a part: some 200 MB of sums and columns


@dataclass(frozen=True)
class FileJob:
    """One file to be brought down to sums, wherever it is read."""

    source: Any
    name: str
    wanted: Wanted
    columns: Mapping[str, str] | None
    by: tuple[str, ...]
    cluster: str | None
    holding: Holding
    from_step: int | None
    where: Mapping[str, str]
    unlike: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    rows: int = ROWS

    def run(self) -> Stats:
        """Read the file and return its sums."""
        total: Stats | None = None
        before, empty = 0, None
        for whole in read_parts(self.source, self.wanted, self.columns, self.rows, self.constants):
            panel = self._chosen(whole)
            if total is None and len(panel) == 0:
                before, empty = before + whole.n_sessions, panel
                continue
            part = self._sums(panel, whole, before, total)
            total = part if total is None else beside(total, part)
            before += whole.n_sessions
        if total is None and empty is not None:
            total = self._sums(empty, empty, 0, None)
        if total is None:
            raise InputError("has no rows.", file=self.name)
        return total

    def _sums(self, panel: Panel, whole: Panel, before: int, total: Stats | None) -> Stats:
        made = self._made(panel)
        if total is not None and made.scorer != total.made.scorer:
            said = f"scores were made by different rules ({made.scorer} and {total.made.scorer})"
            raise InputError(f"{said}.", file=self.name, hint=f"group with {argument('by', SCORER)}.")
        made = made if total is None else total.made
        digest = whole.source.digest or self.name
        about = None if total is None else (total.centre, total.scale)
        return stats_of(panel, made, Place(self.name, digest, before), about)

    def _made(self, panel: Panel) -> Made:
        tasks = TASK in panel.labels and panel.is_session_label(TASK)
        read = {"columns": self.columns, "transform": self.wanted.transform, "from_step": self.from_step}
        where = {**self.where, **{f"{k}!": v for k, v in self.unlike.items()}}
        kept = {name: value for name, value in {**read, "where": where}.items() if value}
        return Made(panel.objectives, self.by, self.cluster, self.holding, tasks, kept, self._scorer(panel))

    def _scorer(self, panel: Panel) -> str | None:
        """Return what made the scores, where that is recorded and tells no groups apart."""
        if SCORER not in panel.labels or SCORER in self.wanted_labels:
            return None
        labels = panel.labels[SCORER]
        return ", ".join(labels.names[k] for k in np.unique(labels.codes) if k >= 0) or None

    def _chosen(self, panel: Panel) -> Panel:
        """Return the rows asked for, of a part that may hold none of them."""
        if "file" in self.wanted_labels:
            constant = Labels(np.zeros(len(panel), dtype=np.int64), (self.name,))
            panel = replace(panel, labels={**panel.labels, "file": constant})
        keep = np.ones(len(panel), dtype=np.bool_)
        for conditions, equal in ((self.where, True), (self.unlike, False)):
            for column, value in conditions.items():
                labels = panel.labels[column]
                if not panel.is_session_label(column):
                    raise InputError(
                        f"`{column}` changes inside sessions: choosing by it needs the rows.", file=self.name
                    )
                code = labels.names.index(value) if value in labels.names else len(labels.names)
                keep &= (labels.codes == code) == equal
        if not keep.all():
            panel = panel.take(keep)
        return panel if self.from_step is None else panel.from_step(self.from_step)

    @property
    def wanted_labels(self) -> tuple[str, ...]:
        """Columns that tell groups or rows apart."""
        return (*self.by, *self.where, *self.unlike)


def stats(
    source: Any,
    *,
    by: str | Sequence[str] = (),
    objectives: str | Sequence[str] | None = None,
    minimize: str | Sequence[str] = (),
    bounds: Mapping[str, Bounds] | None = None,
    columns: Mapping[str, str] | None = None,
    transform: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    unlike: Mapping[str, str] | None = None,
    from_step: int | None = None,
    cluster: str | None = None,
    keep: str | None = None,
    ended: str | None = None,
    cost: str | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Stats:
    """Bring recorded sessions down to sums that merge, in bounded memory.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        As `loopstat.read` takes it; the rows of a session lie in one file.
    by : label columns, optional
        One group per combination of values, which may not change inside a session; default all together.
    objectives : names of columns, optional
        Default: chosen by the first 100,000 rows of the first file.
    minimize, bounds, columns, transform, from_step : optional
        As `loopstat.read` takes them.
    where, unlike : mappings from column to value, optional
        Only the sessions with this label, or without it.
    cluster : str, optional
        What shares a start; default the task where the table names one, else the session.
    keep, ended, cost : str, optional
        As `loopstat.MeanCurve` takes them: how value is held belongs to the sums.
    executor : concurrent.futures.Executor, optional
        Reads the files, one piece of work each; anything with its `submit`, a Dask client's executor too. A file whose
        worker was lost is read again. The sums are the same without one, but for the last digits.
    progress : callable, optional
        Called with (done, total, file) before each file.

    Returns
    -------
    Stats
        `a + b` merges parts, `loopstat.merge` analyses, `loopstat.many.file.save_stats` writes them.

    Raises
    ------
    InputError
        A table cannot be used; the message names file, row and column.
    SettingsError
        An argument out of range.

    Notes
    -----
    *When it is wrong*: what needs the rows is not in the sums: the latent and the censored likelihoods, tests for
    differing sessions, scorer noise and curvature, rules that look at a session, forecasts, and the mean curve where
    sessions were cut off. The result of `merge` names it.
    """
    if keep is not None and keep not in KEEPS:
        raise SettingsError(f"`keep` must be one of {', '.join(KEEPS)}. Got {keep!r}.")
    paths = [*find(source)] if is_paths(source) else [source]
    names = names_of(paths) if is_paths(source) else ["<dataframe>"]
    folders = partitions_of(paths) if is_paths(source) else [{}]
    by, where, unlike = as_names(by), dict(where or {}), dict(unlike or {})
    asked = [cluster if cluster != "session" else None, ended, cost]
    labels = dict.fromkeys((*by, *where, *unlike, *(name for name in asked if name)))
    wanted = Wanted(
        None if objectives is None else as_names(objectives),
        as_names(minimize),
        {name: (ends[0], ends[1]) for name, ends in (bounds or {}).items()},
        dict(transform or {}),
        tuple(name for name in labels if name != "file"),
        mixed_scorers=SCORER in labels,
    )
    notes: tuple[str, ...] = ()
    if wanted.objectives is None:
        wanted = replace(wanted, objectives=objectives_by_sample(paths[0], wanted, columns))
        notes = (f"objectives: {', '.join(wanted.objectives or ())}, by the first rows; --objectives chooses others.",)
    jobs = [
        FileJob(path, name, wanted, columns, by, cluster, Holding(keep, ended, cost), from_step, where, unlike, given)
        for path, name, given in zip(paths, names, folders, strict=True)
    ]
    found = list(_done(jobs, executor, progress or silent))
    total = found[0]
    for part in found[1:]:
        total = total + part
    if not any(group.n_transitions for group in total.groups.values()):
        raise InputError(
            "the table holds no transition: every session has one step.",
            file=", ".join(names[:3]),
            hint="one row per step of a session; does `session` name the run and not the row?",
        )
    return replace(total, notes=(*notes, *total.notes))


def run_job(job: FileJob) -> Stats:
    """Read one file: what executors are given."""
    return job.run()


def _done(jobs: Sequence[FileJob], executor: Executor | None, progress: Progress) -> Iterator[Stats]:
    if executor is None:
        for k, job in enumerate(jobs):
            progress(k, len(jobs), job.name)
            yield job.run()
        progress(len(jobs), len(jobs), "")
        return
    futures = [executor.submit(run_job, job) for job in jobs]
    for k, (job, future) in enumerate(zip(jobs, futures, strict=True)):
        progress(k, len(jobs), job.name)
        yield future.result()
    progress(len(jobs), len(jobs), "")
