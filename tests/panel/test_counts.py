"""Counts of transitions: from tables, matrices and panels; classes; what cannot be counted."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import Panel, SettingsError
from loopstat.panel.panel import Labels
from loopstat.panel.tally import Counts


def of_states(sessions: list[str], *, steps: list[list[int]] | None = None) -> Panel:
    """Return a panel without objectives; each letter of a session is a state, `.` a missing one."""
    letters = [c for s in sessions for c in s]
    session = np.repeat(np.arange(len(sessions)), [len(s) for s in sessions])
    step = np.concatenate([np.arange(len(s)) if steps is None else steps[k] for k, s in enumerate(sessions)])
    follows = np.r_[False, (np.diff(session) == 0) & (np.diff(step) == 1)]
    return Panel(
        x=np.zeros((len(letters), 0)),
        session=session,
        step=step,
        parent=np.where(follows, np.arange(len(letters)) - 1, -1),
        objectives=(),
        session_names=tuple(str(k) for k in range(len(sessions))),
        labels={"state": Labels.of([None if c == "." else c for c in letters])},
    )


def square(counts: Counts) -> list[list[float]]:
    return counts.matrix.toarray().tolist()


def test_moves_listed_twice_add_up_and_zeros_are_dropped() -> None:
    counts = Counts.of(["b", "a", "a", "c"], ["a", "b", "b", "c"], [1, 2, 3, 0])
    assert counts.states == ("a", "b", "c")
    assert square(counts) == [[0, 5, 0], [1, 0, 0], [0, 0, 0]]
    assert counts.total == 6
    assert counts.rows.tolist() == [5, 1, 0]


def test_no_transition_crosses_a_session_or_a_gap() -> None:
    counts = Counts.of_panel(of_states(["aab", "ba", "a.b", "ab"], steps=[[0, 1, 2], [0, 1], [0, 1, 2], [0, 2]]))
    assert square(counts) == [[1, 1], [1, 0]]
    assert counts.events is not None
    assert counts.events.follows.tolist() == [False, True, False]


def test_beyond_lag_one_no_step_is_counted_twice() -> None:
    counts = Counts.of_panel(of_states(["abcabca"]), lag=2)
    assert counts.total == 3
    assert [counts.states[k] for k in counts.events.source] == ["a", "c", "b"]  # type: ignore[union-attr]


def test_proposals_of_a_lineage_never_follow_each_other() -> None:
    panel = of_states(["abc"])
    tree = Panel(
        x=panel.x,
        session=panel.session,
        step=np.array([0, 1, 1]),
        parent=np.array([-1, 0, 0]),
        objectives=(),
        session_names=panel.session_names,
        labels=panel.labels,
        lineage=True,
    )
    counts = Counts.of_panel(tree)
    assert square(counts) == [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert not counts.events.trajectories  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("visits", "expected", "rule"),
    [
        ("observed", [3, 1], "observed"),
        ("equal", [3, 3], "equal"),
        (10, [10, 10], "10"),
        ([5, 4], [5, 4], "observed"),
    ],
)
def test_visits(visits: object, expected: list[float], rule: str) -> None:
    counts = Counts.of([0, 0, 1], [0, 1, 0], [1, 2, 1], states="ab", visits=visits)  # type: ignore[arg-type]
    assert counts.visits.tolist() == expected
    assert counts.visits_rule == rule


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"visits": 2}, "at least the transitions that leave a state. Got 2 for a state that was left 3 times"),
        ({"visits": "some"}, "observed, equal or a number"),
        ({"visits": np.nan}, "finite"),
        ({"count": [1, -2, 1]}, "not negative"),
        ({"count": [1, np.inf, 1]}, "finite"),
    ],
)
def test_what_cannot_be_counted_is_refused(how: dict[str, object], message: str) -> None:
    given = {"count": [1, 2, 1], **how}
    with pytest.raises(SettingsError, match=message):
        Counts.of([0, 0, 1], [0, 1, 0], states="ab", **given)  # type: ignore[arg-type]


def test_a_matrix_must_be_square_and_a_panel_must_have_states() -> None:
    with pytest.raises(SettingsError, match="square"):
        Counts.of_matrix([[1, 2]])
    with pytest.raises(SettingsError, match="no label `mood`"):
        Counts.of_panel(of_states(["ab"]), state="mood")
    with pytest.raises(SettingsError, match="`lag`"):
        Counts.of_panel(of_states(["ab"]), lag=0)


def test_adding_matches_states_by_name() -> None:
    a, b = Counts.of(["x"], ["y"], [2]), Counts.of(["y", "x"], ["z", "y"], [1, 3])
    both = a + b
    assert both.states == ("x", "y", "z")
    assert square(both) == [[0, 5, 0], [0, 0, 1], [0, 0, 0]]
    assert both.visits.tolist() == [5, 1, 0]


def test_classes_say_what_is_left_and_what_is_entered() -> None:
    # a -> (b <-> c) -> d, and e alone with itself
    counts = Counts.of(list("abcbe"), list("bcbde"), [1, 5, 4, 2, 12])
    found = [([counts.states[k] for k in c.states], c.closed, c.transient, c.absorbing) for c in counts.classes]
    assert found == [
        (["e"], True, False, False),
        (["b", "c"], False, False, False),
        (["a"], False, True, False),
        (["d"], True, False, True),
    ]
    assert counts.classes.main is not None
    assert [counts.states[k] for k in np.flatnonzero(counts.classes.transient)] == ["a"]
    assert [counts.states[k] for k in np.flatnonzero(counts.classes.absorbing)] == ["d"]


def test_a_part_keeps_visits_and_breaks_trajectories_where_they_left_it() -> None:
    counts = Counts.of_panel(of_states(["ababcab"]))
    part = counts.part(np.array([0, 1]))
    assert square(part) == [[0, 3], [1, 0]]
    assert part.visits.tolist() == [3, 2]
    assert part.events is not None
    assert part.events.follows.tolist() == [False, True, True, False]
