"""`python -m benchmarks.crashes`: 200 kills -9 of writers, and a table of what was found afterwards."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from .harness import WITHIN, Fate, kill_once, table
from .victims import VICTIMS

HEAD = ("writing", "kills", "calls returned", "left in the log", "kept, not returned", "lost or broken")


def main() -> int:
    """Run the kills and print the table; exit 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(VICTIMS))
    parser.add_argument("--write", type=Path, help="a page in which the table between the marks is replaced")
    asked = parser.parse_args()
    cases = [(kind, within) for kind in VICTIMS for within in (False, *((True,) if kind in WITHIN else ()))]
    cases = [case for case in cases if asked.only in (None, case[0])]
    rng, begun, fates = random.Random(asked.seed), time.monotonic(), list[Fate]()  # noqa: S311
    for n in range(asked.kills):
        kind, within = cases[n % len(cases)]
        with tempfile.TemporaryDirectory(prefix="crash ü ") as folder:
            fates.append(kill_once(kind, Path(folder), rng, within=within))
        for fault in fates[-1].faults:
            print(f"{kind}, kill {n}: {fault}", file=sys.stderr)
    rows = table(fates)
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    for row in rows:
        said = (row.kind.replace("_", " "), row.kills, row.told, row.torn, row.extra, len(row.faults))
        lines.append("| " + " | ".join(map(str, said)) + " |")
    whole = ("all", len(fates), *(sum(getattr(r, k) for r in rows) for k in ("told", "torn", "extra")))
    lost = sum(len(r.faults) for r in rows)
    lines.append("| " + " | ".join(map(str, (*whole, lost))) + " |")
    print("\n".join(lines))
    print(f"{time.monotonic() - begun:.0f} s, seed {asked.seed}", file=sys.stderr)
    if asked.write:
        _replace(asked.write, lines)
    return 1 if lost else 0


def _replace(page: Path, lines: list[str]) -> None:
    """Put the table between the marks of a page."""
    text = page.read_text(encoding="utf-8")
    before, mark, rest = text.partition("<!-- crashes -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (mark and end):
        raise SystemExit(f"{page} has no marks `<!-- crashes -->` and `<!-- end -->`.")
    page.write_text(before + mark + "\n".join(lines) + "\n" + end + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
