"""Results of the balance lens in their JSON form, made by hand from count matrices: what the faces are tested on.

Figures are plausible, not estimates: intervals are rough and p-values are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from loopstat.results.record import plain

WORDS = ("ATTITUDE", "PERSONAL", "PROBLEMS", "TURKEY", "BUZZY")
WORD_MOVES = {(4, 0): 3859, (1, 0): 3879, (2, 0): 3558, (3, 0): 4122, (0, 1): 66, (0, 2): 20, (4, 3): 238}
HOSTILE = (
    "<script>alert(1)</script>",
    "a\" onmouseover='x' b",
    "\x1b[31mred\x00",
    "\u202etxt.exe",
    "שלום עולם",
    "🙂🙃 state",
    "x" * 10_000,
    "{{ 7*7 }}&amp;",
    "$\\frac{$ _%^",
    "",
)


@dataclass(frozen=True)
class Sample:
    """A result that is nothing but its JSON form."""

    data: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return self.data

    @property
    def notes(self) -> list[str]:
        """Sentences on how the data were read."""
        return list(self.data["notes"])


def matrix_of(moves: Mapping[tuple[int, int], float], n: int) -> np.ndarray:
    """Return a square array of counts."""
    c = np.zeros((n, n))
    for (i, j), k in moves.items():
        c[i, j] = k
    return c


def words() -> np.ndarray:
    """Counts between five words of a published recording: a tree with two words that are only left."""
    c = matrix_of(WORD_MOVES, 5)
    return c + np.diag(c.sum(axis=1).max() - c.sum(axis=1))


def driven(n: int = 4, total: int = 4000, push: float = 1.0) -> np.ndarray:
    """Counts of a ring that is gone round one way more often than the other."""
    c = np.full((n, n), 0.04 * total / n)
    for i in range(n):
        c[i, (i + 1) % n] += total / n * 0.3 * np.exp(push / 2)
        c[i, (i - 1) % n] += total / n * 0.3 * np.exp(-push / 2)
        c[i, i] += total / n * (0.3 if i else 1.5)
    return np.round(c)


def landscape(n: int, total: int, *, seed: int = 0, neighbours: int = 4) -> np.ndarray:
    """Counts of draws from a reversible chain over `n` states with random potentials."""
    rng = np.random.default_rng(seed)
    v = rng.gamma(2.0, 1.0, n)
    c = np.zeros((n, n))
    for i in range(n):
        beside = rng.choice(n, min(neighbours, n), replace=False)
        for j in {*beside.tolist(), (i + 1) % n} - {i}:
            pi, pj = np.exp(-v[i] / 2), np.exp(-v[j] / 2)
            flow = total / n * pi * pj
            c[i, j] += rng.poisson(flow)
            c[j, i] += rng.poisson(flow)
        c[i, i] += rng.poisson(total / n * np.exp(-v[i]))
    return c


# ------------------------------------------------------------------------- one group


def group(
    states: Sequence[str], c: np.ndarray, *, by: Mapping[str, str] | None = None, **changes: Any
) -> dict[str, Any]:
    """Return one group's JSON form; `changes` replace whole keys."""
    n = len(states)
    classes, transient, absorbing, label = _classes(states, c)
    v, error = _potential(c, label, transient, states)
    stationary = _stationary(c)
    pairs = _pairs(states, c, v)
    escape = _share(c.sum(axis=1) - np.diag(c), c.sum(axis=1))
    by = dict(by or {})
    order = np.argsort(escape)
    made = {
        "label": ", ".join(f"{k}={x}" for k, x in by.items()) or "all",
        "by": by,
        "n_transitions": float(c.sum()),
        "n_states": n,
        "n_sessions": None,
        "states": list(states),
        "visits": c.sum(axis=1),
        "visits_rule": "observed",
        "classes": classes,
        "transient": transient,
        "absorbing": absorbing,
        "potential": v,
        "potential_low": v - 2 * error,
        "potential_high": v + 2 * error,
        "potential_bound": [6.5 + 0.3 * k if s in transient else None for k, s in enumerate(states)],
        "kernel": "likelihood",
        "beta": 1.0,
        "action": 1.234,
        "action_per_state": np.linspace(0.1, 0.9, n),
        "downhill": {"weighted": 0.513, "pairs": 0.8},
        "test": _test(len(pairs) - n + 1),
        "source_statistic": {"pairs": 52, "pair_chi2_ndf": 1.24, "cycles": 140, "cycle_chi2_ndf": 0.76},
        "entropy_production": {"value": 0.0031, "low": 0.0, "high": 0.0071, "one_way_pairs": 1, "lower_bound": True},
        "stationary": stationary,
        "stationary_low": stationary * 0.9,
        "stationary_high": np.minimum(stationary * 1.1, 1),
        "escape": escape,
        "escape_low": escape * 0.8,
        "escape_high": np.minimum(escape * 1.2, 1),
        "relaxation_times": _times(c),
        "spectral_gap": 0.31,
        "order_test": {"p_value": 0.42, "statistic": 12.5, "method": "exact", "reason": None},
        "homogeneity": {
            "steps": {"p_value": 0.3, "statistic": 8.1, "reason": None},
            "sessions": {"p_value": None, "statistic": None, "reason": "no sessions were recorded."},
        },
        "pairs": pairs,
        "currents": _currents(states, c),
        "cycles": _cycles(states, c),
        "traps": [
            {
                "state": states[k],
                "escape": escape[k],
                "escape_low": escape[k] * 0.8,
                "escape_high": min(escape[k] * 1.2, 1.0),
                "action": 0.4,
                "visits": c[k].sum(),
                "stationary": stationary[k],
            }
            for k in order[:3].tolist()
        ],
        "checks": _checks(),
        "verdict": {
            "action": "balanced",
            "sentence": f"in detailed balance as far as these {c.sum():,.0f} transitions can tell.",
        },
        "reasons": {},
        **changes,
    }
    found = plain(made)
    assert isinstance(found, dict)
    return found


def _classes(states: Sequence[str], c: np.ndarray) -> tuple[list[dict[str, Any]], list[str], list[str], np.ndarray]:
    count, label = connected_components(c, directed=True, connection="strong")
    found, transient, absorbing = [], [], []
    for k in range(count):
        members = np.flatnonzero(label == k)
        out = c[members].sum() - c[np.ix_(members, members)].sum()
        inside = float(c[np.ix_(members, members)].sum())
        names = [states[i] for i in members.tolist()]
        found.append({"states": names, "closed": not out, "n_transitions": inside})
        if len(members) == 1:
            (transient if out else absorbing).extend(names)
    return sorted(found, key=lambda x: -x["n_transitions"]), transient, absorbing, label


def _potential(
    c: np.ndarray, label: np.ndarray, transient: Sequence[str], states: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of the log-ratios of pairs seen both ways, 0 at the minimum of each class."""
    n = len(c)
    i, j = np.nonzero(np.triu(c * c.T, 1))
    rows = np.maximum(c.sum(axis=1), 1)
    y = np.log((c[i, j] / rows[i]) / (c[j, i] / rows[j]))
    a = np.zeros((len(i), n))
    a[np.arange(len(i)), i], a[np.arange(len(i)), j] = 1, -1
    v = np.linalg.lstsq(a, y, rcond=None)[0] if len(i) and n < 500 else np.zeros(n)
    for k in range(int(label.max(initial=-1)) + 1):
        v[label == k] -= v[label == k].min()
    v[np.isin(np.array(states, dtype=object), np.array([*transient, None], dtype=object))] = np.nan
    return v, 1 / np.sqrt(np.maximum(c.sum(axis=0), 1))


def _stationary(c: np.ndarray) -> np.ndarray:
    p = np.eye(len(c)) + c
    p /= p.sum(axis=1, keepdims=True)
    pi = np.full(len(c), 1 / max(len(c), 1))
    for _ in range(200):
        pi = pi @ p
    return pi


def _times(c: np.ndarray) -> list[float]:
    if len(c) > 500:
        return [9.0, 4.0]
    p = (c + np.eye(len(c))) / (c + np.eye(len(c))).sum(axis=1, keepdims=True)
    size = np.sort(np.abs(np.linalg.eigvals(p)))[::-1][1:8]
    return [float(-1 / np.log(s)) for s in size if 1e-9 < s < 1 - 1e-9]


def _share(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b > 0, a / np.maximum(b, 1), np.nan)


def _pairs(states: Sequence[str], c: np.ndarray, v: np.ndarray) -> list[dict[str, Any]]:
    rows = np.maximum(c.sum(axis=1), 1)
    found = []
    for i, j in zip(*np.nonzero(np.triu(c + c.T, 1)), strict=True):
        both = c[i, j] > 0 < c[j, i]
        ratio = float(np.log(c[i, j] / rows[i] / (c[j, i] / rows[j]))) if both else None
        error = float(np.sqrt(1 / c[i, j] + 1 / c[j, i])) if both else 0.0
        found.append(
            {
                "a": states[i],
                "b": states[j],
                "forward": c[i, j],
                "backward": c[j, i],
                "log_ratio": ratio,
                "low": None if ratio is None else ratio - 2 * error,
                "high": None if ratio is None else ratio + 2 * error,
                "potential_difference": v[i] - v[j],
            }
        )
    return sorted(found, key=lambda p: -(p["forward"] + p["backward"]))[:300]


def _currents(states: Sequence[str], c: np.ndarray) -> list[dict[str, Any]]:
    flow = _stationary(c)[:, None] * c / np.maximum(c.sum(axis=1, keepdims=True), 1)
    net = np.triu(flow - flow.T, 1)
    net[np.abs(net) < 1e-6] = 0
    order = np.argsort(-np.abs(net), axis=None)[:20]
    found = []
    for i, j in (divmod(int(k), len(c)) for k in order):
        if net[i, j]:
            a, b = (i, j) if net[i, j] > 0 else (j, i)
            value, error = abs(net[i, j]), 2 * np.sqrt((flow[i, j] + flow[j, i]) / c.sum())
            ends = {"low": max(value - error, 0.0), "high": value + error}
            found.append({"from": states[a], "to": states[b], "value": value, **ends})
    return found


def _cycles(states: Sequence[str], c: np.ndarray) -> list[dict[str, Any]]:
    n = min(len(c), 4)
    if n < 3:
        return []
    ways = [(c[k, (k + 1) % n], c[(k + 1) % n, k]) for k in range(n)]
    if min(min(w) for w in ways) == 0:
        return []
    affinity = float(sum(np.log(f / b) for f, b in ways))
    error = float(np.sqrt(sum(1 / f + 1 / b for f, b in ways)))
    ends = {"low": affinity - 2 * error, "high": affinity + 2 * error}
    return [{"states": list(states[:n]), "affinity": affinity, **ends, "n": min(f for f, _ in ways)}]


def _test(n_cycles: int) -> dict[str, Any]:
    if n_cycles < 1:
        keys = ("statistic", "df", "p_value", "method", "size_at_5_percent", "chi_square_p_value", "n_draws")
        reason = "there is nothing to test: no directed cycle of three or more states."
        return {**dict.fromkeys(keys), "n_cycles": 0, "reason": reason}
    return {
        "statistic": 14.2,
        "df": n_cycles,
        "p_value": 0.35,
        "method": "exact",
        "size_at_5_percent": 0.051,
        "n_cycles": n_cycles,
        "chi_square_p_value": 0.21,
        "n_draws": 999,
        "reason": "few transitions a pair: the chi-square reference would reject too often.",
    }


def _checks() -> list[dict[str, Any]]:
    few = "2 of 12 pairs have fewer than five transitions."
    return [
        {"name": "few_transitions", "value": 0.17, "limit": 0.5, "passed": True, "message": few},
        {"name": "markov", "value": 0.42, "limit": 0.05, "passed": True, "message": "The last state is enough."},
    ]


DRIVEN: dict[str, Any] = {
    "test": {**_test(3), "statistic": 88.1, "p_value": 0.001, "method": "exact within sessions"},
    "entropy_production": {"value": 0.132, "low": 0.118, "high": 0.147, "one_way_pairs": 0, "lower_bound": False},
    "n_sessions": 360,
    "checks": [
        *_checks(),
        {
            "name": "same_over_sessions",
            "value": 0.0004,
            "limit": 0.05,
            "passed": False,
            "message": "Sessions follow different chains (p < 0.001): pooled, they may look driven where none is.",
        },
    ],
}
UNTOLD: dict[str, Any] = {
    "verdict": {"action": "cannot_tell", "sentence": "cannot tell: no cycle of three or more states was seen."}
}


# ------------------------------------------------------------------------ the whole


def analysis(*groups: dict[str, Any], **changes: Any) -> Sample:
    """Return a whole result of some groups."""
    settings = {
        "by": ["strategy"],
        "state": "state",
        "lag": 1,
        "visits": "observed",
        "kernel": "likelihood",
        "beta": 1.0,
        "test": "auto",
        "bootstrap": 999,
        "level": 0.95,
        "cluster": None,
        "seed": 0,
        "where": {},
        "from_step": None,
        "command": "loopstat balance runs.parquet --by strategy",
    }
    return Sample(
        {
            "schema": "loopstat.balance/1",
            "version": "0.1.0",
            "settings": settings,
            "source": {"files": ["some/where/runs.parquet"], "digest": "0f" * 32},
            "notes": ["states: the column `state` (use --state to choose)."],
            "n_transitions": sum(g["n_transitions"] or 0 for g in groups),
            "n_states": len({s for g in groups for s in g["states"] or ()}),
            "groups": list(groups),
            "common_potential": None,
            **changes,
        }
    )


def around(states: Sequence[str], **changes: Any) -> dict[str, Any]:
    """Return a driven group over some states."""
    way = " -> ".join(states[:3])
    verdict = {"action": "driven", "sentence": f"driven: goes round {way} more often than back (p 0.001)."}
    return group(states, driven(len(states)), **{**DRIVEN, "verdict": verdict, **changes})


def nothing(value: Any, keep: Sequence[str] = ("groups", "label", "settings")) -> Any:
    """Return a JSON form with every figure, name and list inside groups replaced by null."""
    if isinstance(value, dict):
        return {k: nothing(v) if k in keep or isinstance(v, dict) else None for k, v in value.items()}
    if isinstance(value, list):
        return [nothing(v) for v in value]
    return value


def everyday() -> Sample:
    """Three groups, one of each verdict."""
    return analysis(
        around(("11", "12", "21", "22"), by={"strategy": "Cyclic"}),
        group(WORDS, words(), by={"strategy": "words"}, **UNTOLD),
        group([f"state {k}" for k in range(12)], landscape(12, 30_000, seed=3), by={"strategy": "landscape"}),
        common_potential={
            "p_value": 0.03,
            "statistic": 31.0,
            "df": 18,
            "correlation": 0.91,
            "low": 0.8,
            "high": 0.96,
            "n_states": 9,
            "n_groups": 3,
        },
    )


def edge_cases() -> dict[str, Sample]:
    """Everything small, empty, large or hostile."""
    one = group(("alone",), np.array([[30.0]]), **UNTOLD)
    chain_ = np.diag([5.0, 4.0, 6.0], 1)
    both = landscape(14, 9_000, seed=5)
    both[:7, 7:] = both[7:, :7] = 0
    many = [f"s{k:05d}" for k in range(10_000)]
    sparse = group(many[:300], landscape(300, 60_000, seed=2, neighbours=2))
    zeros = [0.0] * len(many)
    aligned = ("potential", "stationary", "escape")
    wide = {f"{key}{end}": [x % 7 + 0.1 for x in range(len(many))] for key in aligned for end in ("", "_low", "_high")}
    huge = {**sparse, "states": many, "n_states": 10_000, "visits": zeros, "action_per_state": zeros, **wide}
    return {
        "one state": analysis(one),
        "no groups": analysis(),
        "no transitions": analysis(group((), np.zeros((0, 0)), **UNTOLD)),
        "no pair both ways": analysis(group(("a", "b", "c", "d"), chain_, **UNTOLD)),
        "all transient": analysis(group(("a", "b", "c"), chain_[:3, :3], **UNTOLD, absorbing=[])),
        "two classes": analysis(group([f"s{k}" for k in range(14)], both)),
        "hostile": analysis(
            around(HOSTILE[:4], by={HOSTILE[0]: HOSTILE[1]}),
            group(HOSTILE, landscape(len(HOSTILE), 8_000, seed=1), by={HOSTILE[2]: HOSTILE[6]}),
            notes=list(HOSTILE[:4]),
            source={"files": [f"{HOSTILE[0]}.csv"], "digest": "00"},
        ),
        "many states": analysis({**huge, "potential_bound": [None] * len(many)}),
        "large": analysis(sparse),
        "nulls": analysis(nothing(around(("a", "b", "c"))), nothing(group(WORDS, words()))),
        "many groups": analysis(*(around(("a", "b", "c"), by={"strategy": f"g{k}"}) for k in range(60))),
        "tie": analysis(group([f"t{k}" for k in range(30)], np.full((30, 30), 9.0))),
    }
