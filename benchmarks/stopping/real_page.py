"""The page of real recordings: figures of every table and group, and the aims they are read against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import loopstat
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import student

from .real import CONFIDENCE, EPS, POLICIES, PRICES, RECORDED, Group, Priced

MAIN = 0.02  # sd a step
SAVED, GROSS, NOT_WORSE = 0.30, 0.05, 0.975  # aims
OWN = ("fixed", "chosen")  # policies of ours
WORDS = {
    "fixed": "fixed number",
    "chosen": "chosen rule",
    "by_mean": "best mean",
    "full_run": "full run",
    "patience_3": "patience 3",
    "patience": "tuned patience",
    "loop_gain": "loop-gain bands",
    "clairvoyant": "clairvoyant",
}
PLACE = {name: k for k, name in enumerate(POLICIES)}

Values = Callable[[Priced], np.ndarray]  # one figure of each session


def mean_over(groups: Sequence[Group], price: float, values: Values) -> Estimate:
    """Return a mean in which every group counts alike, its interval by cluster; groups may share clusters."""
    names = {name: k for k, name in enumerate(dict.fromkeys(n for g in groups for n in g.cluster))}
    means, rest = [], np.zeros(len(names))
    for group in groups:
        x = values(at(group, price))
        means.append(float(x.mean()))
        np.add.at(rest, [names[n] for n in group.cluster], (x - x.mean()) / len(x) / len(groups))
    c = len(names)
    return student(float(np.mean(means)), float(np.sqrt(np.sum(rest**2) * c / max(c - 1, 1))), level=0.95, df=c - 1)


def at(group: Group, price: float) -> Priced:
    """Return the figures of a group at a price."""
    return next(p for p in group.priced if p.price == price)


def net(name: str, other: str | None = None) -> Values:
    """Return what picks the net value of a policy, or what it is above another's."""
    return lambda p: p.net[PLACE[name]] - (p.net[PLACE[other]] if other else 0.0)


def gross(name: str) -> Values:
    """Return what picks the value a policy gives up, steps free."""
    return lambda p: p.loss[PLACE[name]]


def saved(groups: Sequence[Group], price: float, name: str) -> float:
    """Return the share of the recorded steps that is not taken; every group counts alike."""
    return float(np.mean([1 - p.steps[PLACE[name]].sum() / p.full.sum() for p in (at(g, price) for g in groups)]))


def error_of(e: Estimate) -> float:
    """Return the standard error behind an interval, as a normal one would have it."""
    return float(e.high - e.low) / 2 / 1.96


def not_below(e: Estimate) -> bool:
    """Return whether a difference is not below 0 beyond two standard errors."""
    return float(e.value) + 2 * error_of(e) >= -1e-12


def by_table(groups: Sequence[Group]) -> dict[str, list[Group]]:
    """Return the groups of each table."""
    found: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        found[group.table].append(group)
    return found


def counts(groups: Sequence[Group], price: float) -> bool:
    """Return whether a table counts: in some group more than no step is best, on all its sessions."""
    return any(at(g, price).step > 0 for g in groups)


# ------------------------------------------------------------------------------------- writing


def _number(e: Estimate) -> str:
    return f"{float(e.value):+.3f} ± {error_of(e):.3f}"


def _interval(e: Estimate) -> str:
    return f"{float(e.value):.3f} [{float(e.low):.3f}, {float(e.high):.3f}]"


def _head(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    yield "|---" * len(cells) + "|"


def _main_table(tables: dict[str, list[Group]]) -> Iterator[str]:
    yield from _head(
        "table",
        "rule",
        "steps saved, %",
        "net above the full run",
        "above patience 3",
        "above tuned patience",
        "below the clairvoyant",
        "gross loss",
    )
    for name, groups in tables.items():
        mark = "" if counts(groups, MAIN) else " (best step 0)"
        for policy in (*OWN, "by_mean", "patience", "patience_3", "loop_gain"):
            cells = [
                _number(mean_over(groups, MAIN, net(policy, other))) for other in ("full_run", "patience_3", "patience")
            ]
            cells.append(_number(mean_over(groups, MAIN, net("clairvoyant", policy))))
            loss = mean_over(groups, MAIN, gross(policy))
            share = 100 * saved(groups, MAIN, policy)
            yield f"| {name}{mark} | {WORDS[policy]} | {share:.0f} | {' | '.join(cells)} | {_interval(loss)} |"


def _group_table(groups: Sequence[Group]) -> Iterator[str]:
    own = [f"{what} {whose}" for whose in ("number", "rule") for what in ("saved, %,", "net above the full run,")]
    heads = ("table", "group", "sessions", "clusters", "last step", "best step", *own, "rule above tuned patience")
    yield from _head(*heads)
    for g in groups:
        p = at(g, MAIN)
        step = str(p.step) if p.step <= g.last else f"{p.step} (beyond)"
        cells = [
            g.table,
            g.name.replace("|", "\\|"),
            f"{len(g.cluster):,}",
            f"{len(set(g.cluster)):,}",
            str(g.last),
            step,
        ]
        for policy in OWN:
            cells.append(f"{100 * saved([g], MAIN, policy):.0f}")
            cells.append(_number(mean_over([g], MAIN, net(policy, "full_run"))))
        cells.append(_number(mean_over([g], MAIN, net("chosen", "patience"))))
        yield f"| {' | '.join(cells)} |"


def _good(groups: Sequence[Group], price: float, policy: str) -> bool:
    return saved(groups, price, policy) >= SAVED and not_below(mean_over(groups, price, net(policy, "full_run")))


def _prices(tables: dict[str, list[Group]]) -> Iterator[str]:
    yield from _head(
        "price, sd a step",
        "rule",
        "tables that count",
        f"of them: {100 * SAVED:.0f} % saved, net not below the full run's",
        f"gross loss at most {GROSS:g} sd",
        "mean net above the full run",
        "group-prices not worse than tuned patience",
    )
    for price in PRICES:
        counted = {name: g for name, g in tables.items() if counts(g, price)}
        for policy in OWN:
            good = [name for name, g in counted.items() if _good(g, price, policy)]
            lost = [name for name, g in counted.items() if _gross(g, price, policy) <= GROSS]
            above = np.mean([float(mean_over(g, price, net(policy, "full_run")).value) for g in counted.values()])
            worse, n = _worse(tables, (price,), policy)
            yield (
                f"| {price:g} | {WORDS[policy]} | {len(counted)} | {len(good)} | {len(lost)} | {above:+.3f} "
                f"| {n - len(worse)} of {n} |"
            )


def _gross(groups: Sequence[Group], price: float, policy: str) -> float:
    return float(mean_over(groups, price, gross(policy)).value)


def _worse(tables: dict[str, list[Group]], prices: Sequence[float], policy: str) -> tuple[list[str], int]:
    """Return where a policy is worse than tuned patience beyond two errors, and the number of all group-prices."""
    every = [(g, price) for groups in tables.values() for g in groups for price in prices]
    found = [(g, price, mean_over([g], price, net(policy, "patience"))) for g, price in every]
    worse = [f"{g.table} {g.name} at {price:g} by {-float(e.value):.3f}" for g, price, e in found if not not_below(e)]
    return worse, len(every)


def _aims(tables: dict[str, list[Group]]) -> Iterator[str]:
    counted = {name: g for name, g in tables.items() if counts(g, MAIN)}
    yield from _head("aim", "rule", "found", "")
    for policy in OWN:
        short = [name for name, g in counted.items() if not _good(g, MAIN, policy)]
        loss = {name: _gross(g, MAIN, policy) for name, g in counted.items()}
        few = [f"{name} {x:.3f}" for name, x in loss.items() if x > GROSS]
        worse, n = _worse(tables, PRICES, policy)
        rows = (
            (
                f"at {MAIN:g} sd, on all but one of the tables that count: {100 * SAVED:.0f} % of the steps saved, net "
                "not below the full run's beyond two paired standard errors",
                f"{len(counted) - len(short)} of {len(counted)}" + (f"; not {', '.join(short)}" if short else ""),
                len(short) <= 1,
            ),
            (
                f"at {MAIN:g} sd, gross loss at most {GROSS:g} sd on at least half of them",
                f"{len(counted) - len(few)} of {len(counted)}" + (f"; above: {', '.join(few)}" if few else ""),
                2 * len(few) <= len(counted),
            ),
            (
                f"not worse than tuned patience beyond two paired standard errors in {100 * NOT_WORSE:g} % of "
                "group-prices",
                f"{100 * (1 - len(worse) / n):.1f} % of {n}" + (f"; worse: {', '.join(worse)}" if worse else ""),
                1 - len(worse) / n >= NOT_WORSE,
            ),
        )
        yield from (
            f"| {aim} | {WORDS[policy]} | {found} | {'met' if met else 'NOT MET'} |" for aim, found, met in rows
        )


def _guarantees(groups: Sequence[Group]) -> Iterator[str]:
    heads = [f"{eps:g} sd, {n}" for eps in EPS for n in RECORDED]
    yield from _head("table", "group", *heads, "most violations")
    for g in groups:
        found = {(c.eps, c.clusters): c for c in g.certified}
        shares = [f"{100 * found[eps, n].had:.0f}" for eps in EPS for n in RECORDED]
        name = g.name.replace("|", "\\|")
        yield f"| {g.table} | {name} | {' | '.join(shares)} | {max(c.broken for c in g.certified):.3f} |"
    often = [
        str(sum(next(c for c in g.certified if (c.eps, c.clusters) == (eps, n)).had >= 0.8 for g in groups))
        for eps in EPS
        for n in RECORDED
    ]
    yield f"| **groups with one in 80 % of draws** | of {len(groups)} | {' | '.join(often)} | |"


def page(groups: Sequence[Group], halvings: int, draws: int) -> str:
    """Return the page in Markdown."""
    tables = by_table(groups)
    lines = [
        "# Rules for stopping, on real recordings",
        "",
        "Half of the clusters of each group decide, the other half pay. This page is written by the command; do not",
        "edit it. [When to stop](stopping.md) says what it means.",
        "",
        "    python -m benchmarks.stopping.real",
        "",
        f"loopstat {loopstat.__version__}; {len(tables)} tables, {len(groups)} groups, {halvings} halvings, prices",
        f"{', '.join(f'{p:g}' for p in PRICES)} sd a step. One sd is that of the value held between sessions, over",
        "all groups and steps of a table; all values are in it. *Fixed number*: the step that the decision on one half",
        "names. *Best mean*: the step at which the mean of that half, net of price, is best, and nothing else. *Chosen",
        "rule*: the one that `loopstat decide --scorer-noise none` would save. *Tuned patience*: patience, least gain",
        "and most steps chosen on the same half. *Clairvoyant*: every session's best step, known beforehand; no rule",
        "can be it. *Gross loss*: value at the record's end less value where the rule stops, steps free. In a table",
        "every group counts alike; groups of fewer than ten clusters are left out; ± is a paired standard error over",
        "clusters, brackets are 95 % intervals.",
        "",
        "## What was aimed at",
        "",
        *_aims(tables),
        "",
        "A table whose best step is 0 in every group at that price does not count.",
        "",
        f"## Tables, at {MAIN:g} sd a step",
        "",
        *_main_table(tables),
        "",
        "## By price",
        "",
        *_prices(tables),
        "",
        f"## Groups, at {MAIN:g} sd a step",
        "",
        *_group_table(groups),
    ]
    if all(g.certified for g in groups):
        lines += [
            "",
            "## Guarantees",
            "",
            f"`--guarantee EPS --confidence {CONFIDENCE:g}` in {draws} recordings of {', '.join(map(str, RECORDED))}",
            "clusters drawn with replacement from each group, the losses judged on the whole group: share of the",
            "recordings, in %, in which a rule that stops sessions early is certified, and the largest share of broken",
            f"guarantees among the columns (at most {1 - CONFIDENCE:.2g} is promised).",
            "",
            *_guarantees(groups),
        ]
    return "\n".join(lines) + "\n"
