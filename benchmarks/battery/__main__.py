"""What each suite catches of the battery: `python -m benchmarks.battery` writes docs/battery.md.

A weakness is caught where the planted program has a finding that its clean twin has not, and a lower score for it. The
misses stay in the table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import Score
from loopstat.scoring.tools import COMPLEXIPY, RUFF, versions

from . import holes_blind, holes_seen, slow_blind, slow_seen
from .case import Case

PAGE = Path(__file__).parents[2] / "docs" / "battery.md"
HOLES = (*holes_blind.HOLES, *holes_seen.HOLES)
INEFFICIENCIES = (*slow_blind.INEFFICIENCIES, *slow_seen.INEFFICIENCIES)
SUITES = ("python", "sj2025")
HEAD = """# What the scores do not see

*Which holes and inefficiencies does `loopstat score` miss?* Made by `python -m benchmarks.battery`.

A score counts what its rules see. It never says that a program is secure, fast or right: every line below with a dash
is a weakness that the suite passes over. Each weakness is planted in a small program, beside a clean twin; it is caught
where the planted program has a finding that the twin has not and a lower score. "Before" marks those written before the
first rule was, by the same hand and with the list of smells to look for known: read their share as an upper limit.
"""


def caught(planted: Score, clean: Score, objective: str) -> str:
    """Return the rules that see the weakness, nothing where none does."""
    here, there = (Counter(f.rule for f in s.findings if f.objective == objective) for s in (planted, clean))
    lower = planted.values[objective] < clean.values[objective]
    return ", ".join(sorted(here - there)) if lower else ""


def by_suite(cases: Sequence[Case], objective: str) -> dict[str, list[str]]:
    """Return what sees each case, by suite, and bandit where it is installed."""
    found = {}
    for suite in SUITES:
        scores = score_all([text for c in cases for text in (c.planted, c.clean)], scorer_of(suite))
        found[suite] = [caught(scores[2 * k], scores[2 * k + 1], objective) for k in range(len(cases))]
    if objective == "security" and (bandit := shutil.which("bandit", path=peers())):
        found["bandit"] = [
            ", ".join(sorted((ids(bandit, c.planted) - ids(bandit, c.clean)) - Counter({"B101": 99}))) for c in cases
        ]
    return found


def peers() -> str:
    """Return where commands of peers are looked for: beside this interpreter, then on the path."""
    import os

    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def ids(bandit: str, text: str) -> Counter[str]:
    """Return what bandit finds in a program; asserts, which are no holes as such, are left out by the caller."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(text, encoding="utf-8")
        command = [bandit, "--quiet", "--ignore-nosec", "--format", "json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Counter(r["test_id"] for r in json.loads(done.stdout)["results"] if not r["test_id"].startswith("B40"))


def table(cases: Sequence[Case], found: dict[str, list[str]], what: str) -> list[str]:
    """Return the lines of one table."""
    shares = [f"{name} {sum(map(bool, seen))} of {len(cases)}" for name, seen in found.items()]
    early = [k for k, c in enumerate(cases) if c.blind]
    blind = [f"{name} {sum(bool(seen[k]) for k in early)} of {len(early)}" for name, seen in found.items()]
    lines = [f"Caught: {', '.join(shares)}; of those written before the rules {', '.join(blind)}.", ""]
    lines += [f"| {what} | before | " + " | ".join(found) + " |", "|---|---|" + "---|" * len(found)]
    for k, case in enumerate(cases):
        seen = " | ".join(said[k] or "–" for said in found.values())
        lines.append(f"| {case.name} | {'yes' if case.blind else ''} | {seen} |")
    return lines


def page() -> str:
    """Return the page."""
    tools = ", ".join(f"{name} {version}" for name, version in versions(RUFF, COMPLEXIPY).items())
    lines = [HEAD, f"With {tools}.", "", "## Security holes", ""]
    lines += table(HOLES, by_suite(HOLES, "security"), "hole")
    lines += ["", "## Inefficiencies", "", "Ruff's and bandit's security rules look for none of these.", ""]
    lines += table(INEFFICIENCIES, by_suite(INEFFICIENCIES, "efficiency"), "inefficiency")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page, or print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the page and write nothing")
    text = page()
    if parser.parse_args().print:
        print(text, end="")
    else:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
