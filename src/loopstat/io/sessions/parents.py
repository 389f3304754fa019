"""Which row each row came from: parents by step, by id, by acceptance, or simply the step before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...arrays import Bool, Float, Int, first_true, relabel
from ...errors import InputError
from ...panel.lineage import NO_PARENT, first_complete, held_since

Refuse = Callable[..., InputError]
"""Makes the refusal of one row: `refuse(message, row=..., column=..., hint=...)`."""


@dataclass(frozen=True)
class Found:
    """Parent rows, -1 where there is none, and how many named rows were not in the table or in another session."""

    parent: Int
    n_absent: int = 0
    n_elsewhere: int = 0


def by_step(
    session: Int,
    step: Int,
    parent_step: Float,
    candidate: Int | None,
    parent_candidate: Int | None,
    refuse: Refuse,
) -> Found:
    """Return parents named by their step, and by candidate where a step has several rows.

    Parameters
    ----------
    session, step : int arrays, shape (n_rows,)
        Sorted by session, then step.
    parent_step : float array, shape (n_rows,)
        NaN where a row has no parent.
    candidate, parent_candidate : int arrays of shape (n_rows,) or None
        Codes that share one table of names; -1 where missing.
    refuse : callable
        Makes the error for a row.

    Returns
    -------
    Found
    """
    named = ~np.isnan(parent_step)
    row = first_true(named & (parent_step >= step))
    if row is not None:
        raise _later(refuse, row, "parent_step", f"step {int(parent_step[row])}", int(step[row]))
    wanted = np.where(named, parent_step, -1).astype(np.int64)
    own, sought = _pair(session, step, session, wanted)
    rows, several = _first_of(own, sought)
    if several.any() or parent_candidate is not None:
        rows = _by_candidate(own, sought, rows, several & named, candidate, parent_candidate, refuse)
    parent = np.where(named, rows, NO_PARENT)
    return Found(parent, n_absent=int(np.sum(named & (parent < 0))))


def _by_candidate(
    own: Int, sought: Int, rows: Int, unclear: Bool, candidate: Int | None, parent_candidate: Int | None, refuse: Refuse
) -> Int:
    told = np.zeros(len(own), bool) if parent_candidate is None or candidate is None else parent_candidate >= 0
    row = first_true(unclear & ~told)
    if row is not None:
        raise refuse(
            "its parent's step has several rows, so `parent_step` does not say which one it came from.",
            row=row,
            column="parent_step",
            hint="add `parent_candidate` (with `candidate`), or `program_id` and `parent_id`.",
        )
    if candidate is None or parent_candidate is None:
        return rows
    exact, _ = _first_of(*_pair(own, candidate, sought, parent_candidate))
    return np.where(told, exact, rows)


def by_id(session: Int, step: Int, program: Int, parent_program: Int, refuse: Refuse) -> Found:
    """Return parents named by `parent_id`; ids are codes that share one table of names, -1 where missing."""
    named = parent_program >= 0
    own, sought = _pair(session, program, session, parent_program)
    known = np.flatnonzero(program >= 0)
    twice = _repeated(own[known])
    if twice is not None:
        raise refuse(
            "`program_id` stands twice in this session; each version needs its own.",
            row=int(known[twice]),
            column="program_id",
        )
    rows, _ = _first_of(own[known], sought)
    parent = np.where(named & (rows >= 0), known[rows] if known.size else NO_PARENT, NO_PARENT)
    row = first_true((parent >= 0) & (step[parent] >= step))
    if row is not None:
        raise _later(refuse, row, "parent_id", f"a row at step {int(step[parent[row]])}", int(step[row]))
    lost = named & (parent < 0)
    elsewhere = lost & np.isin(parent_program, program[known])
    return Found(parent, int(np.sum(lost & ~elsewhere)), int(np.sum(elsewhere)))


def by_acceptance(session: Int, step: Int, accepted: Bool, complete: Bool, refuse: Refuse) -> Found:
    """Return as parent the last accepted row of an earlier step; the first row with scores counts as accepted."""
    new = np.r_[True, (np.diff(session) != 0) | (np.diff(step) != 0)]
    starts, group = np.flatnonzero(new), np.cumsum(new) - 1
    held = accepted.copy()
    first = first_complete(session, complete)
    taken = np.add.reduceat(accepted.astype(np.int64), starts)
    held[first[taken[group[first]] == 0]] = True
    crowded = np.flatnonzero(held & (taken[group] > 1))
    if crowded.size:
        raise refuse(
            f"several rows of step {int(step[crowded[0]])} are accepted, so `accepted` does not say which one the next "
            "step came from.",
            row=int(crowded[1]),
            column="accepted",
            hint="add `parent_step` and `parent_candidate`, or `program_id` and `parent_id`.",
        )
    before = starts[group] - 1  # the row before the step
    inside = (before >= 0) & (session[before] == session)
    return Found(np.where(inside, held_since(held, session)[before], NO_PARENT).astype(np.int64))


def crowded_step(session: Int, step: Int) -> int | None:
    """Return the second row of the first step that has several rows, None where every step has one."""
    first = first_true((np.diff(session) == 0) & (np.diff(step) == 0))
    return None if first is None else first + 1


def _later(refuse: Refuse, row: int, column: str, parent: str, step: int) -> InputError:
    return refuse(
        f"its parent is {parent}, not earlier than its own step {step}; a row cannot come from itself or the future.",
        row=row,
        column=column,
        hint="leave the cell empty where a row has no parent.",
    )


def _pair(a: Int, b: Int, a_sought: Int, b_sought: Int) -> tuple[Int, Int]:
    """Return one code per pair, the same on both sides."""
    _, first = relabel(np.r_[a, a_sought])
    values, second = relabel(np.r_[b, b_sought])
    code = first * len(values) + second
    return code[: len(a)], code[len(a) :]


def _first_of(own: Int, sought: Int) -> tuple[Int, Bool]:
    """Return for each sought code the first row that has it (-1: none), and whether several have it."""
    order = np.argsort(own, kind="stable")
    left = np.searchsorted(own, sought, side="left", sorter=order)
    right = np.searchsorted(own, sought, side="right", sorter=order)
    rows = np.where(right > left, np.r_[order, NO_PARENT][np.minimum(left, len(order))], NO_PARENT)
    return rows.astype(np.int64), right - left > 1


def _repeated(codes: Int) -> int | None:
    order = np.argsort(codes, kind="stable")
    first = first_true(np.diff(codes[order]) == 0)
    return None if first is None else int(order[first + 1])
