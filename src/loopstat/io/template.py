"""Small valid tables to start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import SettingsError

Row = Sequence[object]


def template(kind: str) -> str:
    """Return a small valid CSV of one kind of table, to fill with one's own rows.

    Parameters
    ----------
    kind : str
        `sessions` (one row per step), `lineage` (proposals with parents and acceptance), `transitions` (counted moves
        between named states; where answers were rejected or left out, a `visits` column says how often each state was
        asked) or `pool` (candidates with verdicts). In the first two a `repeat` column may number repeated scorings
        of one artefact.

    Returns
    -------
    str
        CSV text, always the same for a kind.

    Examples
    --------
    >>> print(template("pool").splitlines()[0])
    task,candidate,model,passed,judge_a,judge_b
    """
    if kind not in KINDS:
        raise SettingsError(f"`kind` must be one of {', '.join(KINDS)}. Got {kind!r}.")
    header, rows = KINDS[kind]()
    return "\n".join(",".join(str(cell) for cell in row) for row in (header, *rows)) + "\n"


def _sessions() -> tuple[Row, list[Row]]:
    header = ("session", "step", "strategy", "model", "task", "security", "efficiency", "length")
    scores = {
        "run-1": [(3.1, 5.2, 410), (4.0, 5.6, 455), (5.3, 5.1, 430), (5.9, 5.8, 492)],
        "run-2": [(2.4, 6.8, 388), (2.1, 7.4, 371), (3.5, 6.9, 402), (3.2, 7.7, 395)],
        "run-3": [(4.6, 4.9, 520), (5.8, 4.1, 561), (6.2, 4.7, 540), (7.1, 4.2, 588)],
    }
    made_with = {"run-1": "security-first", "run-2": "efficiency-first", "run-3": "security-first"}
    rows: list[Row] = [
        (name, step, made_with[name], "model-a", f"task-{i % 2 + 1}", *values)
        for i, (name, steps) in enumerate(scores.items())
        for step, values in enumerate(steps)
    ]
    return header, rows


def _lineage() -> tuple[Row, list[Row]]:
    header = (
        "session",
        "step",
        "candidate",
        "parent_step",
        "parent_candidate",
        "accepted",
        "strategy",
        "score",
        "size",
    )
    tree: dict[str, list[tuple[object, ...]]] = {
        "run-1": [
            (0, "a", "", "", "true", "start", 0.41, 620),
            (1, "a", 0, "a", "false", "rewrite", 0.38, 655),
            (1, "b", 0, "a", "true", "repair", 0.47, 648),
            (2, "a", 1, "b", "false", "rewrite", 0.40, 702),
            (2, "b", 1, "b", "false", "repair", "", 711),
            (3, "a", 1, "b", "true", "repair", 0.55, 690),
        ],
        "run-2": [
            (0, "a", "", "", "true", "start", 0.22, 540),
            (1, "a", 0, "a", "true", "repair", 0.35, 571),
            (1, "b", 0, "a", "false", "rewrite", 0.19, 498),
            (2, "a", 1, "a", "false", "rewrite", 0.31, 633),
            (2, "b", 1, "a", "true", "repair", 0.36, 590),
            (3, "a", 2, "b", "false", "rewrite", 0.28, 615),
        ],
    }
    return header, [(name, *row) for name, steps in tree.items() for row in steps]


def _transitions() -> tuple[Row, list[Row]]:
    header = ("model", "strategy", "state", "next_state", "count")
    counts = {
        ("draft", "draft"): 14,
        ("draft", "reviewed"): 31,
        ("reviewed", "draft"): 9,
        ("reviewed", "reviewed"): 22,
        ("reviewed", "done"): 17,
        ("done", "reviewed"): 4,
    }
    return header, [("model-a", "refine", *move, n) for move, n in counts.items()]


def _pool() -> tuple[Row, list[Row]]:
    header = ("task", "candidate", "model", "passed", "judge_a", "judge_b")
    verdicts = {
        "task-1": [(1, 8.2, 0.91), (0, 6.9, 0.77), (0, 3.1, 0.20)],
        "task-2": [(0, 7.4, 0.35), (1, 7.9, 0.82), (1, 6.1, 0.64)],
        "task-3": [(0, 2.2, 0.12), (0, 5.0, 0.58), (1, 9.1, 0.88)],
    }
    rows: list[Row] = [(task, i, "model-a", *row) for task, given in verdicts.items() for i, row in enumerate(given)]
    return header, rows


KINDS: dict[str, Callable[[], tuple[Row, list[Row]]]] = {
    "sessions": _sessions,
    "lineage": _lineage,
    "transitions": _transitions,
    "pool": _pool,
}
