"""The published statements about loops of moves, judged by simulation over the ranges of the page's controls.

`python -m studies.claims` prints the verdicts and, with `--write docs/claims.md`, makes the page; `--quick` takes
seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loopstat.errors import LoopstatError, SettingsError
from loopstat.io.write import check_targets, write_file
from loopstat.moves.sweep.sweep import Progress
from loopstat.results.record import plain
from studies.claim_effects import levers_multiply, team_size, tradeoffs
from studies.claim_points import FEW, Claim, Points
from studies.claim_speed import MOST_MOVES, Bench, convergence, trust_region

SCHEMA = "loopstat.moves-claims/1"
GRID, REPLICATES = 512, 400  # points over the ranges, and runs of each setting
QUICK_GRID, QUICK_REPLICATES = 24, 40
WORDS = {  # verdicts, and the same of several
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold": "do not hold",
    "cannot tell": "cannot be told",
}
TEAMS = 4  # teams are judged at a fourth of the points: each of them takes 27 settings


@dataclass(frozen=True)
class Claims:
    """Verdicts on the published statements.

    Attributes
    ----------
    claims : tuple of Claim
        The four of the summary in its order, then that the levers multiply.
    points, replicates, seed, max_moves : int
        Points over the ranges, runs of each setting, seed, and moves after which a run is given up.
    """

    claims: tuple[Claim, ...]
    points: int
    replicates: int
    seed: int
    max_moves: int

    def __getitem__(self, key: str) -> Claim:
        """Return a claim by its key."""
        for claim in self.claims:
            if claim.key == key:
                return claim
        raise SettingsError(f"no claim {key!r}. Known: {', '.join(c.key for c in self.claims)}.")

    @property
    def verdict(self) -> str:
        """How many of the statements hold, in one sentence."""
        counts = [sum(c.verdict == kind for c in self.claims) for kind in WORDS]
        said = [f"{n} {WORDS[kind] if n > 1 else kind}" for n, kind in zip(counts, WORDS, strict=True) if n]
        return f"Of {len(self.claims)} statements {', '.join(said)}."

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return {"schema": SCHEMA, "verdict": self.verdict, **plain(vars(self))}


def judge_claims(
    *,
    seed: int = 0,
    replicates: int | None = None,
    grid: int | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> Claims:
    """Judge the published statements at the page's presets and scenarios, and all over the ranges of its controls.

    Parameters
    ----------
    seed : int
        Of the points and the runs.
    replicates : int, optional
        Runs of each setting; default 400.
    grid : int, optional
        Points over the ranges; default 512.
    quick : bool
        24 points and 40 runs, to see it work.
    progress : callable, optional

    Returns
    -------
    Claims

    Raises
    ------
    SettingsError
        Too few points or runs to say anything.

    Notes
    -----
    Points are a Latin hypercube over the sliders of fifteen controls; shares are of such points, with their binomial
    intervals, and say how much of the box it is, not how often loops of that kind are met.

    *When it is wrong*: it judges statements about a model by that model. Whether loops behave like it is for recordings
    to say.

    References
    ----------
    McKay, Beckman and Conover (1979), Technometrics 21, 239 (Latin hypercube).

    Examples
    --------
    >>> [claim.key for claim in judge_claims(quick=True).claims]
    ['convergence', 'trust_region', 'tradeoffs', 'team_size', 'levers_multiply']
    """
    n = _count("grid", (QUICK_GRID if quick else GRID) if grid is None else grid, FEW)
    runs = _count("replicates", (QUICK_REPLICATES if quick else REPLICATES) if replicates is None else replicates, 20)
    points, bench = Points.over_ranges(n, _count("seed", seed, 0)), Bench(runs, seed, progress)
    few = points.first(n if quick else max(n // TEAMS, FEW))
    found = (
        *(convergence(points, bench), trust_region(points, bench), tradeoffs(points, bench)),
        *(team_size(few, bench), levers_multiply(points, bench)),
    )
    return Claims(found, n, runs, seed, MOST_MOVES)


def _count(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"`{name}` must be a whole number of at least {least}. Got {value!r}.")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the statements and print the verdicts; write the page or the JSON where they are asked for."""
    from studies.claims_text import claims_page, claims_text

    options = argparse.ArgumentParser(prog="python -m studies.claims", description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="24 points and 40 runs, to see it work")
    options.add_argument("--grid", type=int, help=f"points over the ranges; default {GRID}")
    options.add_argument("--replicates", type=int, help=f"runs of every setting; default {REPLICATES}")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--write", metavar="PATH", help="write the page of the documentation")
    options.add_argument("--json", metavar="PATH", help="write the figures as JSON")
    given = options.parse_args(arguments)
    try:
        check_targets({"--write": given.write, "--json": given.json})
        claims = judge_claims(
            seed=given.seed, replicates=given.replicates, grid=given.grid, quick=given.quick, progress=_said
        )
        print(claims_text(claims), end="")
        if given.write:
            write_file(given.write, claims_page(claims))
        if given.json:
            write_file(given.json, json.dumps(claims.to_dict(), ensure_ascii=False, indent=1) + "\n")
    except LoopstatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _said(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what} {done}/{total}\033[K", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
