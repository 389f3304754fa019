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

from . import holes_blind, holes_held, holes_seen, slow_blind, slow_held, slow_seen
from .case import Case

PAGE = Path(__file__).parents[2] / "docs" / "battery.md"
HOLES = (*holes_blind.HOLES, *holes_held.HOLES, *holes_seen.HOLES)
INEFFICIENCIES = (*slow_blind.INEFFICIENCIES, *slow_held.INEFFICIENCIES, *slow_seen.INEFFICIENCIES)
SUITES = ("python", "sj2025")
HEAD = """# What the scores do not see

*Which holes and inefficiencies does `loopstat score` miss?* Made by `python -m benchmarks.battery`.

A score counts what its rules see. It never says that a program is secure, fast or right: every line below with a dash
is a weakness that the suite passes over. Each weakness is planted in a small program, beside a clean twin; it is caught
where the planted program has a finding that the twin has not and a lower score. Blind cases were written without
looking at the rules: "before" the first of them, by the same hand and with the list of smells to look for known (read
their share as an upper limit); "after" them, by another hand that had not read them. Of those, before any rule was
added in answer, python caught 4 of 15 holes and 6 of 13 inefficiencies, sj2025 1 and 7, bandit 4 of the holes: that is
what to expect of weaknesses nobody thought of. Their share below is no longer blind.
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
        seen = ids(bandit, [text for c in cases for text in (c.planted, c.clean)])
        found["bandit"] = [", ".join(sorted(seen[2 * k] - seen[2 * k + 1])) for k in range(len(cases))]
    return found


def peers() -> str:
    """Return where commands of peers are looked for: beside this interpreter, then on the path."""
    import os

    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def ids(bandit: str, texts: Sequence[str]) -> list[Counter[str]]:
    """Return what bandit finds in each program; asserts and bare imports are no holes as such and left out."""
    with tempfile.TemporaryDirectory() as folder:
        for k, text in enumerate(texts):
            Path(folder, f"p{k}.py").write_text(text, encoding="utf-8")
        command = [bandit, "--quiet", "--recursive", "--ignore-nosec", "--format", "json", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[Counter[str]] = [Counter() for _ in texts]
    for result in json.loads(done.stdout)["results"]:
        if result["test_id"] != "B101" and not result["test_id"].startswith("B40"):
            found[int(Path(result["filename"]).stem[1:])][result["test_id"]] += 1
    return found


def caught_of(cases: Sequence[Case], found: dict[str, list[str]], blind: str = "") -> str:
    """Return how many each suite catches, of all cases or of one blind half."""
    those = [k for k, c in enumerate(cases) if blind in ("", c.blind)]
    return ", ".join(f"{name} {sum(bool(seen[k]) for k in those)} of {len(those)}" for name, seen in found.items())


def table(cases: Sequence[Case], found: dict[str, list[str]], what: str) -> list[str]:
    """Return the lines of one table."""
    lines = [f"Caught: {caught_of(cases, found)}.", ""]
    lines += [f"Of those written {when} the rules: {caught_of(cases, found, when)}.\n" for when in ("before", "after")]
    lines += [f"| {what} | blind | " + " | ".join(found) + " |", "|---|---|" + "---|" * len(found)]
    for k, case in enumerate(cases):
        seen = " | ".join(said[k] or "–" for said in found.values())
        lines.append(f"| {case.name} | {case.blind} | {seen} |")
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
