"""The codec: every result of every lens is written, read back and equal; fields say where they stand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from loopstat import Counts, LinearDrift, LinearSDE, MoveSettings, Panel, analyze, analyze_balance, run_moves
from loopstat.arrays import Float
from loopstat.errors import InputError
from loopstat.inference.estimate import Estimate
from loopstat.moves.calibrate.fit import calibrate
from loopstat.moves.sweep.frontier import frontier
from loopstat.moves.sweep.planning import plan
from loopstat.moves.sweep.reviewer_value import reviewer_value
from loopstat.moves.sweep.sensitivity import sensitivity
from loopstat.panel.panel import Objective
from loopstat.panel.pool import Pool
from loopstat.results.check import Check
from loopstat.results.record import UNWRITTEN, Record, absent, dump, inside, load, plain, same, spread, written
from loopstat.results.verdict import Verdict

FEW = MoveSettings(replicates=20, max_moves=15)


# ------------------------------------------------------------------------------------- every lens


def drift() -> Record:
    model = LinearSDE([[-0.4, 0.1], [0.0, -0.5]], [0.2, 0.0], np.eye(2))
    runs = [model.simulate(14, steps=6, rng=k).x.reshape(14, -1, 2) for k in range(2)]
    objectives = [Objective("a", low=-9.0), Objective("b", maximize=False)]
    panel = Panel.from_arrays(
        list(np.concatenate(runs)), objectives=objectives, labels={"strategy": ["x"] * 14 + ["y"] * 14}
    )
    return analyze(panel, by=["strategy"], estimator=LinearDrift("pooled", n_boot=20))


def refused_drift() -> Record:
    return analyze(Panel.from_arrays([np.full((2, 2), 1.0)] * 3), by=[], estimator=LinearDrift("pooled", n_boot=5))


def balance() -> Record:
    ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]])
    tree = Counts.of_matrix([[5, 9, 0], [8, 0, 3], [0, 0, 0]])
    return analyze_balance([({"by": "ring"}, ring), ({"by": "tree"}, tree)])


def balance_of_texts() -> Record:
    rng = np.random.default_rng(0)
    words = ["one", "two words", "three words here", "a b c d", "longer text of five", "and six words are here now"]
    matrix = rng.integers(1, 9, (6, 6))
    return analyze_balance([({}, Counts.of_matrix(matrix, states=words))], features="text")


def calibration() -> Record:
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(20), 5)
    coarse = (rng.random(100) < 0.6).astype(float)
    fine = coarse * (rng.random(100) < 0.7)
    truth = rng.normal(size=100)
    judges = {name: truth + rng.normal(size=100) for name in "pq"}
    pool = Pool(task, coarse=coarse, fine=fine, judges=judges, truth=truth)
    return calibrate([({}, pool)])


RESULTS: Mapping[str, Callable[[], Record]] = {
    "drift": drift,
    "refused drift": refused_drift,
    "balance": balance,
    "balance of texts": balance_of_texts,
    "run of moves": lambda: run_moves(FEW, sensitivity=True),
    "plan": lambda: plan(FEW, budget=100, search={"candidates": [1, 3]}, replicates=20),
    "frontier": lambda: frontier(FEW, candidates=[1, 2], reviewers=[0], replicates=20),
    "worth of a reviewer": lambda: reviewer_value(FEW, replicates=20),
    "sensitivity": lambda: sensitivity(FEW, replicates=20),
    "calibration": calibration,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_what_is_written_is_read_back(name: str) -> None:
    result = RESULTS[name]()
    text = result.to_json()
    again = type(result).from_json(text)
    assert again == result
    assert again.to_json() == text
    assert "NaN" not in text
    with pytest.raises(InputError, match="expected"):
        type(result).from_dict({**json.loads(text), "schema": "other/1"})


# --------------------------------------------------------------------------------- what fields say


@dataclass(frozen=True, eq=False)
class Leaf(Record):
    name: str
    values: Float


@dataclass(frozen=True, eq=False)
class Tree(Record):
    KEYS = ("schema", "rate", "open", "leaf", "figures", "digest", "n_leaves", "either")
    PLACES = {"n_leaves": "source.n_leaves"}
    SCHEMA = "tree/1"

    rate: Estimate = field(metadata=written("value", "low", "high", "p_value"))
    open: float = field(metadata=written(null=math.inf))
    leaf: Leaf = field(metadata=inside())
    figures: dict[str, Estimate] = field(metadata=spread({"a.x": ("low", "high"), "b": ("{}_low", "{}_high")}))
    digest: str = field(metadata=written("source.digest"))
    either: float | tuple[str, ...] | None = None
    note: str = field(default="", metadata=UNWRITTEN)
    draws: int = field(default=0, metadata=absent(lambda: 7))

    @property
    def n_leaves(self) -> int:
        return len(self.leaf.values)


TREE = Tree(Estimate(0.5, 0.1, np.nan, 0.04), math.inf, Leaf("l", np.array([1.0, np.nan])), {"b": Estimate(2.0)}, "d")


def test_fields_say_where_they_stand() -> None:
    assert TREE.to_dict() == {
        "schema": "tree/1",
        "value": 0.5,
        "low": 0.1,
        "high": None,
        "p_value": 0.04,
        "open": None,
        "name": "l",
        "values": [1.0, None],
        "a": None,
        "b": 2.0,
        "b_low": None,
        "b_high": None,
        "source": {"digest": "d", "n_leaves": 2},
        "either": None,
    }
    again = Tree.from_dict(TREE.to_dict())
    assert again == TREE
    assert (again.open, again.draws, again.figures.keys()) == (math.inf, 7, {"b"})


def test_records_are_equal_where_they_claim_the_same() -> None:
    assert Tree.from_dict(TREE.to_dict() | {"source": {"digest": "d", "n_leaves": 9}}) == TREE
    for change in ({"value": 0.6}, {"open": 1.0}, {"values": [1.0, 2.0]}, {"b": 3.0}, {"either": ["x"]}):
        assert Tree.from_dict(TREE.to_dict() | change) != TREE
    assert same(math.nan, None)
    assert not same(0.0, None)
    assert not same(Leaf("l", np.zeros(2)), Verdict("l", "s"))


def test_a_missing_key_is_named() -> None:
    with pytest.raises(InputError, match=r"Leaf: expected a key 'values'"):
        load(Leaf, {"name": "l"})
    assert load(Check, dump(Check("n", None, 1.0, True, "m", "kind"))).kind == ""


def test_plain_data() -> None:
    given: Any = {"a": np.array([1.5, np.inf]), "b": np.int64(2), "c": (np.bool_(True), -0.0), "d": Estimate(1.0)}
    assert plain(given) == {
        "a": [1.5, None],
        "b": 2,
        "c": [True, 0.0],
        "d": {"value": 1.0, "low": None, "high": None},
    }
    with pytest.raises(TypeError, match="plain data"):
        plain(object())
