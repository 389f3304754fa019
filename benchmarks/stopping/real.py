"""Rules for stopping, judged on real recordings: `python -m benchmarks.stopping.real` writes docs/stopping_real.md.

Half of the clusters of every group decide (a number of steps, a rule), the other half pay for it; and recordings drawn
from each group by cluster are asked for a guarantee, which the whole group then judges. Recordings that are not there
are left out and said so.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from loopstat import Panel, read
from loopstat.arrays import relabel
from loopstat.decide.best import Prospect, best
from loopstat.decide.curve import Held
from loopstat.decide.fit import DecisionFit, Units, range_of, units_of
from loopstat.decide.rules.families import FixedSteps, FullRun, Rule
from loopstat.decide.rules.grids import knobs
from loopstat.decide.rules.guarantee import guarantee, losses
from loopstat.decide.rules.judge import Recorded, judge
from loopstat.decide.settings import MeanCurve
from loopstat.inference.clusters import choose_clusters

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PAGE = Path("docs/stopping_real.md")
PRICES = (0.005, 0.01, 0.02, 0.05, 0.1)  # sd a step
HALVINGS, DRAWS = 20, 200
LEVEL = 0.95
EPS, CONFIDENCE, RECORDED = (0.1, 0.3), 0.95, (50, 100, 200)  # losses in sd; clusters of the recordings drawn
FEWEST = 10  # clusters: of fewer no half can choose, and no error be told
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
BASELINES = ("full_run", "patience_3", "patience", "loop_gain", "clairvoyant")
POLICIES = ("fixed", "chosen", "by_mean", *BASELINES)


@dataclass(frozen=True)
class Table:
    """One table, how it is read, and what its loop hands over."""

    name: str
    path: str
    by: tuple[str, ...]
    objectives: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]]
    decide: Mapping[str, Any]
    where: Mapping[str, str] = field(default_factory=dict)

    def read(self, data: Path) -> Panel:
        """Read the table."""
        panel = read(data / self.path, objectives=list(self.objectives), bounds=dict(self.bounds))
        labels: dict[str, Any] = dict(self.where)
        return panel.where(**labels) if labels else panel


def _one(name: str, path: str, by: Sequence[str], score: str, ends: tuple[float, float], **rest: Any) -> Table:
    where = rest.pop("where", {})
    return Table(name, path, tuple(by), (score,), {score: ends}, rest, where)


TABLES = (
    _one("llamea", "llamea/llamea_bbob.parquet", ["model"], "fitness", (0, 1), keep="best"),
    _one(
        "intercode",
        "intercode/intercode.parquet",
        ["model"],
        "reward",
        (-1, 1),  # 39 turns of Python tasks are below 0
        keep="best",
        where={"strategy": "try_again"},
    ),
    Table(
        "ldb_humaneval",
        "ldb_humaneval/ldb_humaneval.parquet",
        ("model",),
        ("visible_frac", "plus_frac"),
        {"visible_frac": (0, 1), "plus_frac": (0, 1)},
        {"keep": "best", "select": "visible_frac", "value": "plus_frac"},
    ),
    _one(
        "openevolve_prompts", "openevolve_prompts/openevolve_prompts.parquet", [], "combined_score", (0, 1), keep="best"
    ),
    Table(
        "repeated_games",
        "repeated_games/repeated_games.parquet",
        ("strategy",),
        ("points1", "points2"),
        {"points1": (1, 4), "points2": (1, 4)},
        {"keep": "last", "weights": {"points1": 1.0, "points2": 1.0}},
    ),
    _one("selfrefine_yelp", "selfrefine_yelp/selfrefine_yelp.parquet", ["model"], "target_score", (-2, 2), keep="last"),
    _one("telephone_game", "telephone_game/telephone_game.parquet", ["model"], "positivity", (-1, 1), keep="last"),
)


# ------------------------------------------------------------------------------------- halves


@dataclass(frozen=True)
class Priced:
    """How policies did on clusters they were not tuned on, at one price: figures in sd, by policy and session.

    Attributes
    ----------
    price : float
        In sd a step.
    step : int
        Fixed number of steps that the decision on the whole group names.
    net, loss, steps : float arrays, shape (n_policies, n_sessions)
        Value less price; value at the record's end less value where it stops; steps taken. Means over the halvings.
    full : float array, shape (n_sessions,)
        Steps of the record, carried on where it was cut off.
    """

    price: float
    step: int
    net: np.ndarray
    loss: np.ndarray
    steps: np.ndarray
    full: np.ndarray


@dataclass(frozen=True)
class Certified:
    """Guarantees asked for in recordings of so many clusters drawn from a group: how often had, how often broken."""

    eps: float
    clusters: int
    had: float
    broken: float


@dataclass(frozen=True)
class Group:
    """One group of a table: its clusters by session, its figures at each price, its guarantees."""

    table: str
    name: str
    spread: float
    cluster: tuple[str, ...]
    last: int
    priced: tuple[Priced, ...]
    certified: tuple[Certified, ...]


def some(held: Held, inside: np.ndarray) -> Held:
    """Return some of the sessions; where they were cut off nothing changes."""
    rows = {name: getattr(held, name)[inside] for name in ("value", "paid", "seen", "last", "ended", "cluster")}
    return replace(held, **rows)


@dataclass(frozen=True)
class _Part:
    """A group as it is judged: its panel, what it holds, and the units of its table."""

    panel: Panel
    estimator: MeanCurve
    units: Units
    held: Held
    prospect: Prospect
    names: tuple[str, ...]

    @classmethod
    def of(cls, panel: Panel, table: Table, units: Units) -> _Part:
        clusters = choose_clusters(panel)
        estimator = MeanCurve(**table.decide, exact=True, n_boot=200, cluster=clusters.kind)
        fit = estimator.fit(panel, units=units)
        return cls(panel, estimator, units, *_made(fit), clusters.names)

    def halves(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, Panel]]:
        """Yield which clusters decide, shape (n_clusters,), and their part of the panel; one with a score, always."""
        n, row = len(self.names), choose_clusters(self.panel, self.estimator.cluster).row
        while True:
            inside = np.isin(np.arange(n), rng.permutation(n)[: n // 2])
            panel = self.panel.take(inside[row])
            if panel.complete.any():
                yield inside, panel


def _made(fit: DecisionFit) -> tuple[Held, Prospect]:
    """Return what a fit that was just made has behind it."""
    if fit.held is None or fit.prospect is None:
        raise ValueError("the fit was read from a file: expected one just made")
    return fit.held, fit.prospect


def halved(part: _Part, rng: np.random.Generator, halvings: int) -> list[Priced]:
    """Let halves of the clusters decide and the others pay, at every price."""
    n, spread = part.held.n_sessions, part.units.spread
    sums = np.zeros((len(PRICES), 3, len(POLICIES), n))
    full, count = np.zeros(n), np.zeros(n)
    for inside, panel in islice(part.halves(rng), halvings):
        fit = part.estimator.fit(panel, units=part.units, rng=rng)
        held, prospect = _made(fit)
        other = np.flatnonzero(~inside[part.held.cluster])
        paying = Recorded.of(some(part.held, other), 0.0, rng)
        full[other] += paying.held.last
        count[other] += 1
        for k, price in enumerate(PRICES):
            at = replace(paying, price=price * spread)
            place = best(prospect, at.price, LEVEL).place
            rules = policies(held, at.price, place, rng)
            sums[k, :, :, other] += _figures(at, rules).transpose(2, 0, 1)
    means = sums / np.maximum(count, 1)
    steps = [best(part.prospect, price * spread, LEVEL).place for price in PRICES]
    return [
        Priced(price, int(step), m[0] / spread, m[1] / spread, m[2], full / np.maximum(count, 1))
        for price, step, m in zip(PRICES, steps, means, strict=True)
    ]


def policies(held: Held, price: float, place: int, rng: np.random.Generator) -> dict[str, Rule]:
    """Return every policy as half of the clusters chooses it, but the clairvoyant."""
    trials = judge(held, price, exact=True, rng=rng)
    fixed = FixedSteps(at_most=place)
    tried: dict[str, Rule] = {t.name: t.rule for t in trials.rules if t.rule is not None}
    chosen = fixed if trials.chosen == "fixed" else trials.rule
    given = {name: tried.get(name, FullRun()) for name in BASELINES if name != "clairvoyant"}
    return {"fixed": fixed, "chosen": chosen, "by_mean": tried["fixed"], **given}


def _figures(paying: Recorded, rules: Mapping[str, Rule]) -> np.ndarray:
    """Return net value, gross loss and steps, shape (3, n_policies, n_sessions)."""
    held = paying.held
    places = [
        paying.clairvoyant() if name == "clairvoyant" else rules[name].stops(held.seen, held.last) for name in POLICIES
    ]
    end = paying.at(held.value, held.last)
    return np.array(
        [
            [paying.at(paying.table, place) for place in places],
            [end - paying.at(held.value, place) for place in places],
            [np.minimum(place, held.last) for place in places],
        ]
    )


# -------------------------------------------------------------------------------- guarantees


def drawn(held: Held, clusters: int, rng: np.random.Generator) -> Held:
    """Return a recording of so many clusters drawn with replacement; each counts as one of its own."""
    names, cluster = relabel(held.cluster)
    members = np.split(np.argsort(cluster, kind="stable"), np.cumsum(np.bincount(cluster))[:-1])
    picked = rng.integers(0, len(names), clusters)
    rows = np.concatenate([members[c] for c in picked])
    return replace(some(held, rows), cluster=np.repeat(np.arange(clusters), [len(members[c]) for c in picked]))


def guaranteed(part: _Part, draws: int, rng: np.random.Generator) -> Iterator[Certified]:
    """Ask recordings drawn from a group for guarantees, and judge them on the whole group."""
    low, high = range_of(part.panel, part.units.value)
    along = knobs(len(part.held.steps), *range_of(part.panel, part.units.select))
    _, cluster = relabel(part.held.cluster)
    for clusters in RECORDED:
        had, broken = np.zeros((2, len(EPS)))
        for _ in range(draws):
            held = drawn(part.held, clusters, rng)
            for k, sd in enumerate(EPS):
                eps = sd * part.units.spread
                rule = guarantee(held, along, eps, confidence=CONFIDENCE, bound=high - low, rng=rng).rule
                if rule is not None:
                    had[k] += 1
                    stop = rule.stops(part.held.seen, part.held.last)
                    broken[k] += losses(part.held, cluster, stop).mean() > eps
        yield from (Certified(e, clusters, h / draws, b / draws) for e, h, b in zip(EPS, had, broken, strict=True))


# ------------------------------------------------------------------------------------ running


def _judged(work: tuple[Table, Panel, str, Units, int, int]) -> Group | None:
    table, panel, name, units, halvings, draws = work
    part = _Part.of(panel, table, units)
    if len(part.names) < FEWEST:
        return None
    rng = np.random.default_rng([zlib.crc32(table.name.encode()), zlib.crc32(name.encode())])
    priced = tuple(halved(part, rng, halvings))
    certified = tuple(guaranteed(part, draws, rng)) if draws else ()
    cluster = tuple(part.names[c] for c in part.held.cluster)
    return Group(table.name, name, units.spread, cluster, len(part.held.steps) - 1, priced, certified)


def groups_of(table: Table, data: Path) -> Iterator[tuple[str, Panel, Units]]:
    """Read a table; yield its groups that have a score, in units that they share."""
    whole = table.read(data)
    parts = [(", ".join(values.values()) or "all", part) for values, part in whole.split(table.by)]
    parts = [(name, part) for name, part in parts if part.complete.any()]
    units = units_of(MeanCurve(**table.decide), [part for _, part in parts], whole)
    yield from ((name, part, units) for name, part in parts)


def run(tables: Sequence[Table], data: Path, halvings: int, draws: int, workers: int) -> Iterator[Group]:
    """Judge every group of some tables; groups of too few clusters are left out and said so."""
    # Read by NumPy in the workers: their threads would trip over one another.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    work = [
        (table, part, name, units, halvings, draws) for table in tables for name, part, units in groups_of(table, data)
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for k, group in enumerate(pool.imap(_judged, work), 1):
            name = f"{work[k - 1][0].name} {work[k - 1][2]}"
            print(f"[{k}/{len(work)}] {name}", file=sys.stderr, flush=True)
            if group is None:
                print(f"{name}: fewer than {FEWEST} clusters, left out", file=sys.stderr)
            else:
                yield group


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the recordings that are there, print the page and write it."""
    from .real_page import page

    parser = argparse.ArgumentParser(prog="python -m benchmarks.stopping.real", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the recordings (default: %(default)s)")
    parser.add_argument(
        "--tables", nargs="+", choices=[t.name for t in TABLES], help="these only, printed, not written"
    )
    parser.add_argument("--halvings", type=int, default=HALVINGS)
    parser.add_argument("--draws", type=int, default=DRAWS, help="recordings drawn for guarantees; 0: none")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", type=Path, metavar="PATH", help=f"default: {PAGE}")
    options = parser.parse_args(arguments)
    wanted = [t for t in TABLES if t.name in (options.tables or [t.name])]
    tables = [t for t in wanted if (options.data / t.path).is_file()]
    missing = [t.name for t in wanted if t not in tables]
    if missing:
        print(f"not there, left out: {', '.join(missing)} (looked in {options.data})", file=sys.stderr)
    if not tables:
        return 0
    groups = list(run(tables, options.data, options.halvings, options.draws, options.workers))
    text = page(groups, options.halvings, options.draws)
    print(text)
    whole = not options.tables and not missing
    if options.write or whole:
        (options.write or PAGE).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
