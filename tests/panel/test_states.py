"""States made of scores and texts: bins, clusters, normalised texts, and panels that hold nothing but states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopstat.errors import InputError, SettingsError
from loopstat.panel.panel import Labels, Panel
from loopstat.panel.states import MOST_POINTS, binned, clustered, normalised
from loopstat.panel.tally import Counts

BLOBS = np.array([[0.0, 100.0], [1.0, 900.0], [5.0, 100.0], [6.0, 900.0]])


def scores(*values: float, name: str = "score") -> Panel:
    return Panel.from_arrays([np.array(values)[:, None]], objectives=[name])


def blobs(n: int = 50, seed: int = 0) -> tuple[Panel, np.ndarray]:
    """Return a panel of four clouds far apart, and which cloud each row is of."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 4, 4 * n)
    x = BLOBS[which] + rng.normal(size=(4 * n, 2)) * [0.1, 10.0]
    return Panel.from_arrays(x.reshape(4, n, 2), objectives=["security", "length"]), which


# ---------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  The\tQUICK\n fix ", "the quick fix"),
        ("ﬁx", "fix"),
        ("Ａ ＴＥＸＴ", "a text"),
        ("STRASSE", "straße"),
        ("e\u0301", "\xe9"),
        ("\u00a0a\u2003b\u00a0", "a b"),
        (" \n\t", ""),
        ("🙂", "🙂"),
        ("<b>", "<B>"),
    ],
)
def test_texts_that_are_normalised_alike(text: str, same: str) -> None:
    assert normalised(text) == normalised(same)


def test_normalising_keeps_what_differs() -> None:
    assert len({normalised(t) for t in ("a b", "ab", "a.b", "a-b", "A  c", "1", "2")}) == 7


@settings(max_examples=300)
@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert once == once.strip()
    assert "  " not in once


# ---------------------------------------------------------------------------------------------------- bins


def test_bins_hold_equal_shares_and_are_named_in_order() -> None:
    panel = binned(scores(*range(12, 0, -1)), 4)
    labels = panel.labels["state"]
    assert labels.names == ("score 1/4", "score 2/4", "score 3/4", "score 4/4")
    assert np.bincount(labels.codes).tolist() == [3, 3, 3, 3]
    assert labels.codes.tolist() == sorted(labels.codes.tolist(), reverse=True)
    assert "score cut at 3, 6, 9: 4 bins each, 4 combinations seen" in panel.source.notes[-1]


@pytest.mark.parametrize("k", range(2, 25))
def test_bins_of_any_number_of_rows_differ_by_one_at_most(k: int) -> None:
    labels = binned(scores(*np.random.default_rng(k).permutation(97)), k).labels["state"]
    sizes = np.bincount(labels.codes, minlength=k)
    assert len(labels.names) == k
    assert sizes.max() - sizes.min() <= 1


def test_states_are_bins_of_all_objectives() -> None:
    panel = Panel.from_arrays([[[1.0, 9.0], [2.0, 1.0], [8.0, 2.0], [9.0, 8.0]]], objectives=["security", "a|b"])
    made = binned(panel, 2)
    assert made.labels["state"].values() == [
        "security 1/2 | a|b 2/2",
        "security 1/2 | a|b 1/2",
        "security 2/2 | a|b 1/2",
        "security 2/2 | a|b 2/2",
    ]
    np.testing.assert_array_equal(made.x, panel.x)
    assert "state" not in panel.labels


def test_equal_values_stay_together_and_the_note_says_so() -> None:
    panel = binned(scores(0, 0, 0, 0, 0, 1, 2, 3), 4)
    assert panel.labels["state"].values() == ["score 1/4"] * 5 + ["score 3/4", "score 4/4", "score 4/4"]
    assert "equal values fill only 3 of 4 bins" in panel.source.notes[-1]
    assert binned(scores(4, 4, 4), 3).labels["state"].names == ("score 1/3",)


def test_rows_with_a_missing_score_have_no_state() -> None:
    for made in (binned(scores(1, np.nan, 3, 4), 2), clustered(scores(1, np.nan, 3, 4), 2)):
        assert made.labels["state"].codes[1] == -1
        assert np.sum(made.labels["state"].codes < 0) == 1


def test_many_objectives_do_not_overflow() -> None:
    x = np.random.default_rng(0).normal(size=(300, 12))
    made = binned(Panel.from_arrays([x]), 200)
    assert len(made.labels["state"].names) == 300


def test_bins_do_not_depend_on_the_order_of_sessions() -> None:
    x = np.random.default_rng(1).normal(size=(5, 20, 2))
    one, other = binned(Panel.from_arrays(x), 3), binned(Panel.from_arrays(x[::-1]), 3)
    a = np.array(one.labels["state"].values()).reshape(5, 20)
    assert a[::-1].tolist() == np.array(other.labels["state"].values()).reshape(5, 20).tolist()


# ---------------------------------------------------------------------------------------------------- clusters


def test_clouds_are_found_named_by_their_centre_and_ordered() -> None:
    panel, which = blobs()
    labels = clustered(panel, 4).labels["state"]
    assert labels.codes.tolist() == which.tolist()
    assert [n.split(" (")[0] for n in labels.names] == ["c1", "c2", "c3", "c4"]
    said = [n[n.index("(") + 1 : -1].replace("security ", "").replace("length ", "").split(", ") for n in labels.names]
    centres = np.array(said, dtype=float)
    assert np.abs(centres - BLOBS).max() < 6
    assert np.abs(centres[:, 0] - BLOBS[:, 0]).max() < 0.1


def test_the_scale_of_an_objective_does_not_matter() -> None:
    panel, which = blobs()
    for factor in (1e-200, 1e200):
        stretched = Panel.from_arrays(panel.x.reshape(4, -1, 2) * [factor, 1.0])
        assert clustered(stretched, 4).labels["state"].codes.tolist() == which.tolist()


def test_the_same_seed_gives_the_same_clusters() -> None:
    panel = Panel.from_arrays(np.random.default_rng(0).normal(size=(10, 30, 3)))
    first, again, other = (clustered(panel, 7, rng=seed).labels["state"] for seed in (1, 1, 2))
    assert first.names == again.names
    assert first.codes.tolist() == again.codes.tolist()
    assert len(other.names) == 7


@pytest.mark.parametrize("seed", range(8))
def test_clusters_are_nearly_as_good_as_the_best_cut_of_a_line(seed: int) -> None:
    """In one dimension every optimal cluster is an interval, so the optimum can be had by trying all cuts."""
    x = np.sort(np.random.default_rng(seed).exponential(size=30))
    best = min(
        sum(float(((p - p.mean()) ** 2).sum()) for p in (x[:a], x[a:b], x[b:]))
        for a in range(1, 29)
        for b in range(a + 1, 30)
    )
    codes = clustered(scores(*x), 3).labels["state"].codes
    found = sum(float(((x[codes == c] - x[codes == c].mean()) ** 2).sum()) for c in range(3))
    assert best * (1 - 1e-9) <= found < 1.01 * best


def test_every_cluster_is_filled_also_with_many_ties() -> None:
    rng = np.random.default_rng(0)
    x = np.r_[np.zeros(5000), rng.integers(0, 12, 60).astype(float)]
    for seed in range(10):
        codes = clustered(scores(*x), 12, rng=seed).labels["state"].codes
        assert np.bincount(codes, minlength=12).min() > 0


def test_a_constant_objective_does_not_disturb() -> None:
    x = np.c_[np.r_[np.zeros(5), np.ones(5)], np.full(10, 7.3)]
    labels = clustered(Panel.from_arrays([x], objectives=["a", "b"]), 2).labels["state"]
    assert labels.names == ("c1 (a 0, b 7.3)", "c2 (a 1, b 7.3)")


def test_more_points_than_are_searched_are_all_assigned() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=MOST_POINTS + 5000) + np.repeat([0.0, 1000.0], (MOST_POINTS + 5000) // 2)
    codes = clustered(scores(*x), 2).labels["state"].codes
    assert np.array_equal(codes, (x > 500).astype(int))


# ---------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize("make", [binned, clustered])
@pytest.mark.parametrize("k", [1, 0, -3, 201, 2.5, True])
def test_a_number_out_of_range_is_refused(make, k) -> None:
    with pytest.raises(SettingsError, match="whole number K from 2 to 200"):
        make(scores(1, 2, 3), k)


def test_more_states_than_rows_are_refused() -> None:
    with pytest.raises(InputError, match=r"`bins:4` asks for more than the 3 rows.*smaller K"):
        binned(scores(1, 2, 3, np.nan), 4)
    with pytest.raises(InputError, match="`kmeans:3` asks for more than the 2 different score vectors"):
        clustered(scores(1, 1, 1, 2), 3)


@pytest.mark.parametrize("make", [binned, clustered])
def test_without_objectives_there_is_nothing_to_cut(make) -> None:
    panel = Panel.from_arrays([np.zeros((4, 0))])
    with pytest.raises(InputError, match=r"no objective to make states of.*state='COL'"):
        make(panel, 2)


# ---------------------------------------------------------------------------------------------------- panels


def test_a_panel_needs_no_objectives() -> None:
    panel = Panel.from_arrays([np.zeros((3, 0)), np.zeros((2, 0))], labels={"model": ["a", "b"]})
    assert panel.x.shape == (5, 0)
    assert repr(panel) == "Panel(loop: 2 sessions, 5 steps, objectives none)"
    assert panel.complete.all()
    assert len(panel.pairs()) == 3
    assert len(panel.where(model="a")) == 3
    assert len(panel.from_step(1)) == 3
    assert [len(p) for _, p in panel.split(["model"])] == [3, 2]
    assert len(Panel.concat([panel, panel])) == 10
    assert len(panel.kept()) == 5


def test_states_of_scores_are_counted() -> None:
    made = binned(scores(1, 9, 2, 8, np.nan, 3), 2)
    counts = Counts.of_panel(made)
    assert counts.states == ("score 1/2", "score 2/2")
    assert counts.matrix.toarray().tolist() == [[0, 2], [1, 0]]


def test_the_word_nan_does_not_upset_the_order_of_names() -> None:
    names = ["10", "nan", "b", "2", "a", "NaN", "1"]
    for seed in range(20):
        shuffled = [names[i] for i in np.random.default_rng(seed).permutation(7)]
        assert Labels.of(shuffled).names == ("1", "2", "10", "NaN", "a", "b", "nan")
        assert Labels.of(shuffled).values() == shuffled


def test_codes_into_unsorted_names() -> None:
    labels = Labels.sorted([0, -1, 2, 1, 0], ["b", "10", "9"])
    assert labels.names == ("9", "10", "b")
    assert labels.values() == ["b", None, "9", "10", "b"]
    assert Labels.sorted([], []).names == ()
