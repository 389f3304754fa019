"""Read real recordings twice, by the pooled regression and by the estimator the data call for; print both side by side.

    python -m benchmarks.rereading
    python -m benchmarks.rereading --lens balance

`--lens balance` reads them as chains of states instead: which are in detailed balance, which are driven.

The recordings are not part of the package; those that are not there are left out and said so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from loopstat import LinearDrift, LinearDriftFit, Panel, analyze, read
from loopstat.inference.estimate import show

from .reading_states import DATA, STORIES


@dataclass(frozen=True)
class Recording:
    """One table and how it is read."""

    name: str
    path: str
    by: tuple[str, ...]
    how: dict[str, Any] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)


RECORDINGS = (
    Recording(
        "chains of rewriting",
        "telephone_game/telephone_game.parquet",
        ("model", "strategy"),
        {"transform": {"length": "log", "toxicity": "logit"}, "from_step": 1},
    ),
    Recording(
        "chains of rewriting, by temperature",
        "telephone_game/telephone_temperature.parquet",
        ("strategy",),
        {
            "objectives": ["positivity", "difficulty", "length"],
            "transform": {"length": "log"},
            "from_step": 1,
        },
    ),
    Recording("repeated games", "repeated_games/repeated_games.parquet", ("strategy",)),
    Recording(
        "self-refined reviews", "selfrefine_yelp/selfrefine_yelp.parquet", (), {"objectives": ["sentiment", "chars"]}
    ),
    Recording(
        "paraphrasing cycles",
        "paraphrase_cycles/paraphrase_cycles.parquet",
        ("strategy",),
        {"objectives": ["chars", "sim_first"], "transform": {"chars": "log1p"}},
    ),
    Recording("code search", "llamea/llamea_bbob.parquet", ("model",), {"objectives": ["fitness"]}),
)


def slowest(fit: LinearDriftFit) -> str:
    """Return the slowest mode in words."""
    if not fit.regimes:
        return "-"
    r = fit.regimes[0]
    return show(*r.modulus.triple)


def skill(fit: LinearDriftFit) -> str:
    """Return the held-out error saved against the session's own running mean."""
    e = fit.estimates.get("skill.running_mean")
    return "-" if e is None else show(float(e.value), float(e.low), float(e.high))


def rows(recording: Recording, panel: Panel) -> Iterator[str]:
    """Yield one line per group."""
    by = list(recording.by)
    first = analyze(panel, by=by, estimator=LinearDrift("pooled"))
    second = analyze(panel, by=by, estimator=LinearDrift("auto"))
    for old, new in zip(first.groups, second.groups, strict=True):
        label = ", ".join(old.by.values()) or "all"
        name = new.estimator.name or ("none: cannot tell" if new.refused else "no fit")
        mine = skill(new) if new.skill_estimator != "pooled" else "same"
        yield f"| {label} | {slowest(old)} | {name} | {slowest(new)} | {skill(old)} | {mine} |"


def scores() -> None:
    """Print a table per recording of scores."""
    for recording in RECORDINGS:
        path = DATA / recording.path
        if not path.exists():
            print(f"{path}: not there, left out", file=sys.stderr)
            continue
        panel = read([str(path)], labels=list(recording.by), **recording.how)
        print(f"\n{recording.name}\n")
        print("| group | slowest mode, pooled | estimator | slowest mode | skill, pooled | skill, estimator |")
        print("|---|---|---|---|---|---|")
        for line in rows(recording, panel):
            print(line, flush=True)


def states() -> None:
    """Print what recordings of states say, one story after another."""
    for name, needed, story in STORIES:
        absent = [str(DATA / path) for path in needed if not (DATA / path).exists()]
        if absent:
            print(f"{', '.join(absent)}: not there, left out", file=sys.stderr)
            continue
        print(f"\n{name}\n")
        for line in story():
            print(line, flush=True)


def main() -> int:
    """Print a table per recording."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rereading", description=__doc__)
    parser.add_argument("--lens", choices=("drift", "balance"), default="drift", help="scores, or states")
    {"drift": scores, "balance": states}[parser.parse_args().lens]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
