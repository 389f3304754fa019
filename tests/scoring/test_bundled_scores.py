"""The bundled programs and their scores: those of the rules as they are."""

from __future__ import annotations

import sys

import duckdb
import numpy as np
import pytest

from loopstat.io.recordings import SCORED, path
from loopstat.panel.scorers import SCORER
from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import hash_of

MADE_WITH = (3, 11)  # the Python whose grammar the hash of the bundled scores names
EVERY = 45  # of the different programs, one is scored again
AGAIN = "the rules have changed: run benchmarks/make_recordings.py"


@pytest.mark.skipif(sys.version_info[:2] != MADE_WITH, reason="the hash names the version of Python too")
def test_the_bundled_scores_are_of_the_present_rules() -> None:
    found = duckdb.sql(f"SELECT DISTINCT {SCORER} FROM '{path(SCORED)}'").fetchall()
    assert found == [(hash_of(scorer_of("python")),)], AGAIN


def test_bundled_programs_scored_again_have_the_bundled_scores() -> None:
    scorer = scorer_of("python")
    names = ", ".join(scorer.objectives)
    programs = f"SELECT artifact, {names} FROM '{path(SCORED)}' WHERE artifact IS NOT NULL"
    rows = duckdb.sql(f"{programs} GROUP BY ALL ORDER BY artifact").fetchall()
    assert len(rows) == len({row[0] for row in rows}) > 10_000, "one text, one score"
    rows = [row for row in rows if row[2] == 0][:5] + rows[::EVERY]
    scores = score_all([row[0] for row in rows], scorer)
    again = np.array([[score.values[name] for name in scorer.objectives] for score in scores])
    np.testing.assert_array_equal(again, np.array([row[1:] for row in rows]), err_msg=AGAIN)


def test_rows_without_a_program_have_no_score() -> None:
    query = f"SELECT count(*) FROM '{path(SCORED)}' WHERE (artifact IS NULL) <> (efficiency IS NULL)"
    assert duckdb.sql(query).fetchall() == [(0,)]
