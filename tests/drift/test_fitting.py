"""A fit is a pipeline: neither the order in which its quantities are read nor the number of processes changes it."""

from __future__ import annotations

import numpy as np

import loopstat as ls
from loopstat.drift.analysis import analyze_drift as analyze
from loopstat.drift.fitting import Rows, _found
from loopstat.drift.quantities import QUANTITIES, ROWS, answers
from loopstat.inference.clusters import choose_clusters
from loopstat.inference.estimate import Estimate
from loopstat.inference.resample import Resampling, bootstrap_weights
from loopstat.inference.workers import silent


def loops(seed: int, *, sessions: int = 40, steps: int = 8) -> ls.Panel:
    """Two objectives in sessions that differ and are scored with noise."""
    rng = np.random.default_rng(seed)
    M = np.array([[0.5, 0.1], [0.0, 0.4]])
    x = rng.standard_normal((sessions, steps, 2))
    level = 0.5 * rng.standard_normal((sessions, 2))
    for t in range(1, steps):
        x[:, t] = x[:, t - 1] @ M.T + level + 0.7 * x[:, t]
    x += 0.4 * rng.standard_normal(x.shape)
    labels = {"strategy": [f"s{i % 3}" for i in range(sessions)]}
    return ls.Panel.from_arrays(x, objectives=["a", "b"], labels=labels)


def found(estimator: str):
    panel, rng = loops(1), np.random.default_rng(0)
    clusters = choose_clusters(panel)
    rows = Rows.of(panel, Resampling(clusters, bootstrap_weights(len(clusters), 100, rng)))
    return _found(ls.LinearDrift(estimator, n_boot=100), rows, rng, silent)


def test_quantities_read_in_any_order_are_the_same() -> None:
    for estimator in ("pooled", "within"):
        expected = answers(found(estimator))
        for seed in range(3):
            rows = [QUANTITIES[k] for k in np.random.default_rng(seed).permutation(len(QUANTITIES))]
            shuffled = answers(found(estimator), rows)
            assert list(shuffled) != list(expected)
            for name, answer in expected.items():
                other = shuffled[name]
                assert answer.reasons == other.reasons, name
                assert type(answer.value) is type(other.value), name
                if isinstance(answer.value, Estimate):
                    for end in ("value", "low", "high"):
                        np.testing.assert_array_equal(getattr(answer.value, end), getattr(other.value, end))


def test_a_quantity_alone_is_what_it_is_among_all() -> None:
    whole = answers(found("within"))
    for name in ("drift.equilibrium", "step_90", "half_life"):
        alone = ROWS[name].of(found("within"))
        np.testing.assert_array_equal(alone.value.low, whole[name].value.low)


def test_every_quantity_says_its_unit_or_words() -> None:
    assert len({row.name for row in QUANTITIES}) == len(QUANTITIES)
    assert all(row.words for row in QUANTITIES)


def test_the_number_of_workers_changes_no_figure() -> None:
    panel = loops(2, sessions=90, steps=6)
    told: list[tuple[int, int, str]] = []
    alone, together = (
        analyze(
            panel,
            by=["strategy"],
            estimator=ls.LinearDrift("auto", n_boot=50),
            workers=workers,
            progress=lambda *step: told.append(step),
        )
        for workers in (1, 2)
    )
    assert alone.to_dict() == together.to_dict()
    assert told.count((3, 3, "")) == 2
    assert (0, 3, "strategy=s0 (estimator)") in told
    # Read-only also where it came from another process.
    assert not together.groups[0].estimates["kept_end.mean"].value.flags.writeable
