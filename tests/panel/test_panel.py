"""The panel: lagged data never crosses a session or a gap; parts, labels, kept paths."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from loopstat import InputError, Labels, Objective, Panel, SettingsError
from loopstat.panel.lineage import ancestors, held_since
from loopstat.panel.panel import label_text, previous_step
from loopstat.results.record import dump
from simulated import keep_the_better


def rows(**columns: object) -> Panel:
    """A panel of given rows: session, step, x and optional columns."""
    session, step = np.array(columns["session"]), np.array(columns["step"])
    given: dict[str, object] = {
        "x": np.array(columns["x"], dtype=float).reshape(len(session), -1),
        "session": session,
        "step": step,
        "parent": columns.get("parent", previous_step(session, step)),
        "session_names": tuple("abcdefgh"[: int(session.max()) + 1]),
        "labels": {k: Labels.of(v) for k, v in columns.items() if k in ("strategy", "model")},  # type: ignore[arg-type]
        "accepted": columns.get("accepted"),
        "lineage": "parent" in columns or "accepted" in columns,
    }
    n_obj = given["x"].shape[1]  # type: ignore[attr-defined]
    return Panel(objectives=tuple(Objective(f"x{j + 1}") for j in range(n_obj)), **given)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------ pairs


def test_pairs_never_cross_a_session() -> None:
    pairs = rows(session=[0, 0, 0, 1, 1], step=[0, 1, 2, 0, 1], x=[1, 2, 4, 10, 20]).pairs()
    assert list(zip(pairs.x.ravel(), pairs.y.ravel(), strict=True)) == [(1, 2), (2, 4), (10, 20)]
    assert pairs.dx.ravel().tolist() == [1, 2, 10]
    assert pairs.session.tolist() == [0, 0, 1]
    assert pairs.step.tolist() == [0, 1, 0]


def test_a_gap_in_step_numbers_makes_no_transition() -> None:
    panel = rows(session=[0, 0, 0, 0], step=[0, 1, 3, 4], x=[1, 2, 3, 4])
    assert panel.pairs().x.ravel().tolist() == [1, 3]
    assert len(panel.pairs(2)) == 0


def test_longer_lags_follow_the_parents() -> None:
    panel = rows(session=[0] * 4, step=[0, 1, 2, 3], x=[1, 2, 3, 4], parent=[-1, 0, 0, 2])
    assert panel.pairs(2).x.ravel().tolist() == [1]
    assert panel.pairs(2).y.ravel().tolist() == [4]
    assert panel.ancestry


def test_missing_values_drop_the_pairs_they_touch() -> None:
    panel = rows(session=[0] * 4, step=range(4), x=[[1, 1], [2, np.nan], [3, 3], [4, 4]])
    pairs = panel.pairs()
    assert pairs.x[:, 0].tolist() == [3]
    assert pairs.n_dropped == 2


@pytest.mark.parametrize("lag", [0, -1, 1.5])
def test_a_lag_must_be_a_count(lag: float) -> None:
    with pytest.raises(SettingsError, match="`lag` must be an int"):
        rows(session=[0, 0], step=[0, 1], x=[1, 2]).pairs(lag)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- making


def test_ragged_arrays() -> None:
    panel = Panel.from_arrays([np.zeros((2, 2)), np.ones((5, 2))], objectives=["a", "b"], session_names=["p", "q"])
    assert (panel.n_sessions, panel.n_obj, len(panel)) == (2, 2, 7)
    assert panel.names == ("a", "b")
    assert panel.step.tolist() == [0, 1, 0, 1, 2, 3, 4]
    assert len(panel.pairs()) == 5


def test_one_objective_may_be_flat() -> None:
    assert Panel.from_arrays([[1.0, 2.0, 3.0], [4.0, 5.0]]).x.tolist() == [[1], [2], [3], [4], [5]]


@pytest.mark.parametrize(
    ("sessions", "message"),
    [([], "empty"), ([np.zeros((3, 2)), np.zeros((3, 1))], "session 1 must have shape"), ([[np.inf, 1.0]], "infinit")],
)
def test_arrays_that_make_no_panel(sessions: list[object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Panel.from_arrays(sessions)  # type: ignore[arg-type]


def test_a_panel_is_read_only_and_a_copy() -> None:
    x = np.ones((2, 3, 1))
    panel = Panel.from_arrays(x)
    x[:] = 9.0
    assert panel.x.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        panel.x[0] = 2.0
    with pytest.raises(FrozenInstanceError):
        panel.x = x  # type: ignore[misc]


def test_sessions_must_be_sorted_and_parents_stay_inside() -> None:
    with pytest.raises(SettingsError, match="non-decreasing"):
        rows(session=[1, 0], step=[0, 0], x=[1, 2])
    with pytest.raises(SettingsError, match="crosses a session"):
        rows(session=[0, 1], step=[0, 1], x=[1, 2], parent=[-1, 0])
    with pytest.raises(SettingsError, match="shape"):
        replace(rows(session=[0, 0], step=[0, 1], x=[1, 2]), x=np.zeros((3, 1)))


def test_digests_tell_panels_apart() -> None:
    one, other = Panel.from_arrays(np.zeros((2, 3, 1))), Panel.from_arrays(np.ones((2, 3, 1)))
    assert one.source.digest == Panel.from_arrays(np.zeros((2, 3, 1))).source.digest != other.source.digest


def test_concat_keeps_sessions_apart() -> None:
    a = Panel.from_arrays([[1.0, 2.0], [3.0, 4.0]], labels={"model": ["m", "n"], "task": ["t", "t"]})
    b = Panel.from_arrays([[5.0, 6.0, 7.0]], labels={"model": ["n"]})
    both = Panel.concat([a, b])
    assert both.n_sessions == 3
    assert both.pairs().dx.ravel().tolist() == [1, 1, 1, 1]
    assert list(both.labels) == ["model"]  # a column one part lacks is dropped
    assert both.where(model="n").x.ravel().tolist() == [3, 4, 5, 6, 7]
    with pytest.raises(SettingsError, match="differ in their objectives"):
        Panel.concat([a, Panel.from_arrays([[1.0]], objectives=["other"])])
    with pytest.raises(SettingsError, match="empty"):
        Panel.concat([])


# ---------------------------------------------------------------------------- labels


def test_label_texts() -> None:
    assert [label_text(v) for v in (True, np.False_, 3.0, 2.5, "x", 7)] == ["true", "false", "3", "2.5", "x", "7"]
    labels = Labels.of(["10", None, "9", float("nan"), "b", "a"])
    assert labels.names == ("9", "10", "a", "b")  # numbers by value
    assert labels.values() == ["10", None, "9", None, "b", "a"]


def test_where_on_a_session_label_takes_sessions() -> None:
    panel = rows(session=[0, 0, 1, 1], step=[0, 1, 0, 1], x=[1, 2, 3, 4], model=["m", "m", "n", "n"])
    part = panel.where(model="n")
    assert part.session_names == ("b",)
    assert part.x.ravel().tolist() == [3, 4]
    assert panel.where(unlike={"model": "n"}).session_names == ("a",)


def test_strategy_belongs_to_the_transition_into_the_row() -> None:
    panel = rows(session=[0] * 4, step=range(4), x=[1, 2, 4, 8], strategy=[None, "s", "f", "s"])
    part = panel.where(strategy="s")
    assert list(zip(part.pairs().x.ravel(), part.pairs().y.ravel(), strict=True)) == [(1, 2), (4, 8)]
    assert [by["strategy"] for by, _ in panel.split(["strategy"])] == ["f", "s"]
    assert sum(len(p.pairs()) for _, p in panel.split(["strategy"])) == 3


def test_where_names_what_there_is() -> None:
    panel = rows(session=[0, 0], step=[0, 1], x=[1, 2], model=["m", "m"])
    with pytest.raises(InputError, match="Values: m"):
        panel.where(model="n")
    with pytest.raises(InputError, match="no label column `task`"):
        panel.where(task="t")


def test_from_step_cuts_the_beginning() -> None:
    panel = rows(session=[0, 0, 0, 1], step=[0, 1, 2, 0], x=[1, 2, 3, 4]).from_step(1)
    assert panel.session_names == ("a",)
    assert panel.pairs().x.ravel().tolist() == [2]


def test_take_cuts_links_to_rows_left_out() -> None:
    panel = rows(session=[0] * 4, step=range(4), x=[1, 2, 3, 4])
    assert panel.take(np.array([0, 1, 3])).parent.tolist() == [-1, 0, -1]


# ----------------------------------------------------------------------- kept versions


def test_kept_path_with_acceptance() -> None:
    panel = rows(
        session=[0] * 5, step=range(5), x=[1, 5, 2, 7, 3], accepted=[False, False, True, True, False],
        parent=[-1, 0, 0, 2, 3],
    )  # fmt: skip
    assert panel.kept().x.ravel().tolist() == [1, 1, 2, 7, 7]  # the first row counts as accepted
    assert panel.ends()[1].ravel().tolist() == [7]
    assert panel.starts()[1].ravel().tolist() == [1]
    assert not panel.kept().lineage
    assert panel.pairs().dx.ravel().tolist() == [4, 1, 5, -4]


def test_kept_path_from_parents_alone() -> None:
    panel = rows(session=[0] * 4, step=range(4), x=[1, 5, 2, 7], parent=[-1, 0, 0, 2])
    assert panel.kept().x.ravel().tolist() == [1, 1, 2, 2]  # a row never used as a parent was not kept


def test_kept_path_of_a_plain_loop_is_the_loop() -> None:
    panel = rows(session=[0, 0, 1], step=[0, 1, 0], x=[1, np.nan, 3])
    assert panel.kept() is panel
    assert panel.ends()[1].ravel().tolist() == [1, 3]  # the last version with scores


def test_keeping_the_better_never_gets_worse() -> None:
    panel = keep_the_better(30, 15, mean=-0.3, sd=1.0, seed=1)
    assert np.all(panel.kept().pairs().dx >= 0)
    best = panel.x.reshape(30, 16).max(axis=1)
    np.testing.assert_array_equal(panel.ends()[1].ravel(), best)


def test_signs_and_repr() -> None:
    panel = Panel.from_arrays([[1.0, 2.0]], objectives=[Objective("cost", maximize=False)])
    assert panel.signs.tolist() == [-1]
    assert repr(panel) == "Panel(loop: 1 sessions, 2 steps, objectives cost)"
    assert dump(panel.objectives[0])["direction"] == "minimize"


# --------------------------------------------------------------------------- repeats


def repeated(panel: Panel) -> Panel:
    """The panel with as many scorings of row i as 1 + i % 3, scattering by i where there are several."""
    counts = 1 + np.arange(len(panel)) % 3
    scatter = np.arange(len(panel))[:, None, None] * (counts > 1)[:, None, None] * np.eye(panel.n_obj)
    return replace(panel, repeats=counts, repeat_scatter=scatter)


def test_a_panel_without_repeats_has_none_anywhere() -> None:
    panel = rows(session=[0, 0, 1, 1], step=[0, 1, 0, 1], x=[1, 2, 3, 4], model=["m", "m", "n", "n"])
    for part in (panel, panel.where(model="n"), panel.from_step(1), Panel.concat([panel, panel])):
        assert (part.repeats, part.repeat_scatter) == (None, None)
    lineage = rows(session=[0, 0], step=[0, 1], x=[1, 2], accepted=[True, False])
    assert lineage.kept().repeats is None


def test_repeats_are_read_only_copies() -> None:
    counts, scatter = np.array([2.0, 1.0]), np.array([[[3.0]], [[0.0]]])
    panel = replace(rows(session=[0, 0], step=[0, 1], x=[1, 2]), repeats=counts, repeat_scatter=scatter)
    counts[:], scatter[:] = 9, 9
    assert panel.repeats is not None
    assert panel.repeat_scatter is not None
    assert (panel.repeats.tolist(), panel.repeats.dtype) == ([2, 1], np.int64)
    assert panel.repeat_scatter.ravel().tolist() == [3, 0]
    with pytest.raises(ValueError, match="read-only"):
        panel.repeat_scatter[0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        panel.repeats[0] = 2


@pytest.mark.parametrize(
    ("repeats", "scatter", "message"),
    [
        ([2, 1], None, "both or neither"),
        (None, np.zeros((2, 1, 1)), "both or neither"),
        ([2], np.zeros((2, 1, 1)), r"`repeats` must have shape \(n_rows,\) = \(2,\)"),
        ([2, 1], np.zeros((2, 1)), r"`repeat_scatter` must have shape .* = \(2, 1, 1\)"),
        ([2, 0], np.zeros((2, 1, 1)), "at least 1"),
        ([2, 1], np.full((2, 1, 1), np.nan), "must be finite"),
        ([2, 1], np.ones((2, 1, 1)), "must be 0 where `repeats` is 1"),
    ],
)
def test_repeats_that_make_no_sense(repeats: object, scatter: object, message: str) -> None:
    panel = rows(session=[0, 0], step=[0, 1], x=[1, 2])
    with pytest.raises(SettingsError, match=message):
        replace(panel, repeats=repeats, repeat_scatter=scatter)  # type: ignore[arg-type]


def test_repeats_go_with_their_rows() -> None:
    panel = repeated(
        rows(session=[0, 0, 0, 1, 1, 1], step=[0, 1, 2] * 2, x=np.ones((6, 2)), model=list("mmmnnn"), strategy="abbaba")
    )
    parts = {
        (1, 5): panel.take(np.array([1, 5])),
        (3, 4, 5): panel.where(model="n"),
        (1, 2, 4, 5): panel.from_step(1),
        (0, 1, 2, 3, 4): panel.where(strategy="b"),
    }
    assert panel.repeats is not None
    assert panel.repeat_scatter is not None
    for index, part in parts.items():
        np.testing.assert_array_equal(part.repeats, panel.repeats[list(index)])
        np.testing.assert_array_equal(part.repeat_scatter, panel.repeat_scatter[list(index)])
    for by, part in panel.split(["model"]):
        np.testing.assert_array_equal(part.repeats, panel.repeats[:3] if by == {"model": "m"} else panel.repeats[3:])


def test_concat_counts_rows_without_repeats_once() -> None:
    plain = rows(session=[0, 0], step=[0, 1], x=[1, 2])
    panel = repeated(rows(session=[0, 0, 0], step=[0, 1, 2], x=[3, 4, 5]))
    both = Panel.concat([plain, panel, plain])
    assert both.repeats is not None
    assert both.repeat_scatter is not None
    assert both.repeats.tolist() == [1, 1, 1, 2, 3, 1, 1]
    assert both.repeat_scatter.ravel().tolist() == [0, 0, 0, 1, 2, 0, 0]


def test_the_kept_path_carries_the_kept_versions_own_repeats() -> None:
    panel = repeated(
        rows(session=[0] * 5, step=range(5), x=[1, 5, 2, 7, 3], accepted=[True, False, True, False, False])
    )
    kept = panel.kept()
    assert kept.x.ravel().tolist() == [1, 1, 2, 2, 2]
    assert kept.repeats is not None
    assert kept.repeat_scatter is not None
    assert kept.repeats.tolist() == [1, 1, 3, 3, 3]
    assert kept.repeat_scatter.ravel().tolist() == [0, 0, 2, 2, 2]


def test_ancestors_by_hand():
    parent = np.array([-1, 0, 1, 0, -1, 4])
    for lag, start, end in ((1, [0, 1, 0, 4], [1, 2, 3, 5]), (2, [0], [2]), (3, [], []), (10**9, [], [])):
        assert [a.tolist() for a in ancestors(parent, lag)] == [start, end]


def test_versions_held_by_hand():
    session = np.array([0, 0, 0, 1, 1, 2])
    held = np.array([False, True, False, False, True, False])
    assert held_since(held, session).tolist() == [-1, 1, 1, -1, 4, -1]
    assert held_since(np.zeros(0, bool), np.zeros(0, np.int64)).tolist() == []
