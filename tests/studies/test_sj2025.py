"""Verdicts follow from figures where the truth is known; the page of a small slice has its parts in their order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from studies.sj2025 import statements
from studies.sj2025.__main__ import study
from studies.sj2025.choosing import FITTED, Trial, fitted_score, static_scores
from studies.sj2025.clip import floor_of
from studies.sj2025.fits import Group, grams_of, left_out, of_pair, of_pair_given, white_of
from studies.sj2025.page import page
from studies.sj2025.results import Results
from studies.sj2025.spread import spread_of
from studies.sj2025.statements import FAILS, HOLDS, NOT_TESTABLE, OPEN, WHERE_TOLD, Statement, Test, adjusted

import loopstat as ls
from conftest import ROOT
from loopstat.inference.estimate import Estimate

DATA = ROOT.parent / "shared" / "data"
NAMES = ("s_security", "s_efficiency", "s_functionality")


def loop(A: np.ndarray, Q: np.ndarray, *, sessions: int = 120, steps: int = 8, apart: float = 0.0) -> ls.Panel:
    """Return simulated sessions at rest, of as many objectives as A has."""
    rng = np.random.default_rng(3)
    n = len(A)
    x = np.zeros((sessions, steps + 20, n))
    noise = rng.multivariate_normal(np.zeros(n), Q, size=(sessions, steps + 20))
    for t in range(1, steps + 20):
        x[:, t] = x[:, t - 1] + x[:, t - 1] @ A.T + noise[:, t]
    x = x[:, 20:] + apart * rng.normal(size=(sessions, 1, n))
    return ls.Panel.from_arrays(x, objectives=NAMES[-n:], labels={"task": [f"t{k % 40}" for k in range(sessions)]})


def group(name: str, panel: ls.Panel) -> Group:
    """Return a group with no more than a fit and its white scores."""
    none = Estimate.unknown()
    fit = ls.LinearDrift("pooled", n_boot=50).fit(panel)
    return Group(name, panel, fit, None, white_of(panel), None, none, np.nan, none, np.nan, None, None)


def verdict(tests: list[Test]) -> str:
    """Return the verdict on a statement that rests on these tests alone."""
    return adjusted([Statement("a", "", "", tuple(tests))])[0].verdict


def coupled(of_efficiency: float, of_functionality: float) -> ls.Panel:
    """Return a loop whose noise ties security to efficiency and to functionality."""
    Q = np.array([[1.0, of_efficiency, of_functionality], [of_efficiency, 1.0, 0.3], [of_functionality, 0.3, 1.0]])
    return loop(-0.5 * np.eye(3), Q)


# ------------------------------------------------------------------------------------ words from figures


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, FAILS, OPEN], FAILS),
        ([HOLDS, OPEN], WHERE_TOLD),
        ([OPEN, NOT_TESTABLE], OPEN),
        ([HOLDS, NOT_TESTABLE], HOLDS),
        ([NOT_TESTABLE], NOT_TESTABLE),
        ([], NOT_TESTABLE),
    ],
)
def test_the_verdict_follows_from_the_groups(words: list[str], told: str) -> None:
    figures = {HOLDS: (1.0, 0.0), FAILS: (-1.0, 0.0), OPEN: (0.1, 1.0), NOT_TESTABLE: (np.nan, np.nan)}
    tests = tuple(
        Test(str(k), "", Estimate(figures[w][0]), figures[w][1], p_adjusted=figures[w][1]) for k, w in enumerate(words)
    )
    assert Statement("a", "", "", tests).verdict == told


def test_p_values_are_adjusted_over_all_statements() -> None:
    one = Statement("a", "", "", (Test("g", "", Estimate(1.0), 0.03),))
    assert adjusted([one])[0].verdict == HOLDS
    assert [s.verdict for s in adjusted([one, one])] == [OPEN, OPEN]


@pytest.mark.parametrize(("of_efficiency", "of_functionality", "told"), [(0.0, 0.7, HOLDS), (0.7, 0.0, FAILS)])
def test_the_source_of_interference(of_efficiency: float, of_functionality: float, told: str) -> None:
    assert verdict(statements.source_tests("g", coupled(of_efficiency, of_functionality), 2)) == told


def test_no_source_among_equals() -> None:
    assert verdict(statements.source_tests("g", coupled(0.3, 0.3), 2)) == OPEN


def test_the_largest_drift_is_asked_only_where_one_leads() -> None:
    A = np.diag([-0.3, -0.3, -0.9])
    leads = loop(A, coupling := np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.6], [0.6, 0.6, 1.0]]))
    assert verdict(statements.dominance_tests("g", leads)) == HOLDS
    assert statements.dominance_tests("g", loop(-0.5 * np.eye(3), coupling)) == []
    other = loop(np.diag([-0.9, -0.3, -0.3]), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.7], [0.0, 0.7, 1.0]]))
    assert verdict(statements.dominance_tests("g", other)) == FAILS


@pytest.mark.parametrize(("rate", "told"), [(0.6, HOLDS), (0.02, FAILS), (1.6, FAILS)])
def test_rates(rate: float, told: str) -> None:
    g = group("g", loop(-rate * np.eye(2), np.eye(2)))
    assert verdict(statements.rate_tests([g], 0.33, 1.29)) == told


@pytest.mark.parametrize(("rate", "told"), [(1.6, HOLDS), (1.0, OPEN), (0.3, FAILS)])
def test_explained_changes(rate: float, told: str) -> None:
    g = group("g", loop(-rate * np.eye(2), np.eye(2)))  # R² of changes is rate/2
    assert verdict(statements.explained_tests([g], 0.5)) == told


def test_ranks_of_setups_that_differ() -> None:
    groups = [group(f"g{k}", loop(-a * np.eye(2), np.eye(2))) for k, a in enumerate((0.1, 0.4, 0.7, 1.0, 1.3))]
    found = statements.ranking(groups, n_boot=60)
    assert found is not None
    assert float(found.held_out.value) == 1
    assert float(found.inside.value) == 1
    assert -0.9 < float(found.white.value) < 0.9
    assert statements.ranking(groups[:2]) is None


# ------------------------------------------------------------------------------------------------ figures


def test_white_scores_have_rate_one_and_half_of_r2() -> None:
    still = loop(np.zeros((2, 2)), 0.01 * np.eye(2), apart=3.0)
    among, inside = white_of(still), white_of(still, inside=True)
    assert float(among.rate.value) == pytest.approx(1, abs=0.1)
    assert among.r2.value == pytest.approx([0.5, 0.5], abs=0.05)
    assert float(inside.rate.high) < 0.1  # no memory inside the sessions, and a rate near 0 all the same


def test_a_trade_off_that_is_length_alone() -> None:
    rng = np.random.default_rng(0)
    length = rng.normal(size=(100, 8))
    e, f = -length + rng.normal(size=(100, 8)), length + rng.normal(size=(100, 8))
    panel = ls.Panel.from_arrays(np.stack([e, f, length], axis=2))
    whole, p = left_out(grams_of(panel), of_pair(0, 1), scale="fisher")
    given, p_given = left_out(grams_of(panel), of_pair_given(0, 1, 2), scale="fisher")
    assert float(whole.value) == pytest.approx(-0.5, abs=0.1)
    assert p < 1e-6
    assert float(given.low) < 0 < float(given.high)
    assert p_given > 0.05


def test_the_floor_is_told_from_what_does_not_parse() -> None:
    raw = np.array([5.0, -2.0, np.nan, 0.0])
    found = floor_of("a", raw, np.isfinite(raw), ["s", "t", "u", "v"], ["g", "g", "g", "h"])
    assert (found.n_below, found.n_unread, found.lowest, found.most_in) == (2, 1, -2.0, "h")
    assert (found.clipped, found.raw) == pytest.approx((5 / 3, 1.0))


def test_a_score_at_one_value_is_nearly_constant() -> None:
    assert spread_of(np.r_[np.zeros(9), 1.0], np.zeros(2), np.zeros(2)).constant
    assert not spread_of(np.arange(10.0), np.zeros(2), np.ones(2)).constant


def test_the_fitted_score_of_a_task_does_not_know_its_tests() -> None:
    names = ["plus_frac", "visible_frac", *static_scores()]
    rng = np.random.default_rng(1)
    tasks = [f"t{k % 20}" for k in range(60)]
    panel = ls.Panel.from_arrays(rng.random((60, 3, len(names))), objectives=names, labels={"task": tasks})
    own = np.array(panel.labels["task"].values()) == "t3"
    x = panel.x.copy()
    x[own, 0] = 1 - x[own, 0]
    same = fitted_score(replace(panel, x=x))
    assert same[own] == pytest.approx(fitted_score(panel)[own])


def test_a_rule_is_better_or_worse_by_its_adjusted_p_value() -> None:
    trial = Trial("s", "patience", 0.01, Estimate(0.1), 0.01, Estimate(0.5), p_adjusted=0.04)
    assert trial.word == "better"
    assert replace(trial, gain=Estimate(-0.1)).word == "worse"
    assert replace(trial, p_adjusted=0.06).word == replace(trial, p_adjusted=np.nan).word == "no difference seen"


# ------------------------------------------------------------------------------------------------ a slice


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the study on a few sessions of a few groups."""
    if not (DATA / "llamea").is_dir() or not (DATA / "ldb_humaneval").is_dir():
        pytest.skip("the recordings are not there")
    folder = tmp_path_factory.mktemp("data")
    for file, where in (
        ("llamea/llamea_bbob", "session IN (SELECT DISTINCT session FROM '{}' WHERE model = 'gpt-4o' AND step < 25)"),
        ("llamea/llamea_code", "model = 'gpt-4o' AND step < 25 AND strategy LIKE 'rate%'"),
        ("ldb_humaneval/ldb_humaneval", "task LIKE '%/1__' OR task LIKE '%/3_'"),
    ):
        target = folder / f"{file}.parquet"
        target.parent.mkdir(exist_ok=True)
        source = DATA / f"{file}.parquet"
        chosen = where.format(source) + (" AND step < 25" if "bbob" in file else "")
        duckdb.execute(f"COPY (SELECT * FROM '{source}' WHERE {chosen}) TO '{target}' (FORMAT parquet)")
    found = study(folder, tmp_path_factory.mktemp("scratch"), sessions=12, n_boot=60)
    assert found is not None
    return found


@pytest.mark.slow
def test_the_page_has_its_parts_in_order_and_whole_tables(small: Results) -> None:
    text = page(small)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert [h[3:8] for h in heads] == ["First", "Our f", "The p", "Stati", "What "]
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) > 10
    for table in tables:
        assert len({row.count("|") for row in table}) == 1, table[0]
    assert "The pool of candidates is not there" in text
    for s in small.statements:
        assert f"| {s.said} | **{s.verdict}** |" in text


@pytest.mark.slow
def test_a_lineage_is_no_chain(small: Results) -> None:
    lineage = next(f for f in small.fits if f.recording.kind.lineage)
    assert lineage.groups
    for g in lineage.groups:
        assert g.panel.lineage
        assert g.stands is None
        assert g.white_inside is None
        assert g.fit.regimes == ()
        assert not {"rate_euler", "half_life", "drift.equilibrium", "interference.transient"} & g.fit.estimates.keys()
    named = {g.name for g in lineage.groups}
    about = {s.name: {t.of for t in s.tests} for s in small.statements}
    assert not named & (about["rates"] | about["predictive accuracy"] | about["stability"])


@pytest.mark.slow
def test_scores_are_kept_and_security_is_left_out(small: Results, tmp_path: Path) -> None:
    for f in small.fits:
        assert "security" not in f.objectives
        assert f.recording.path.is_file()
    assert {t.score for t in small.trials} >= {FITTED, "python_efficiency"}
    assert study(tmp_path, tmp_path) is None
