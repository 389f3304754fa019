"""`python -m studies.sj2025`: score public recordings, fit, judge the paper's statements, write `docs/sj2025.md`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from loopstat.faces.console import progress_line
from loopstat.inference.workers import Progress
from loopstat.io.write import check_targets, write_file

from .choosing import Trial, cpu, debugged, power, seconds, trials
from .clip import floor
from .fits import fitted
from .page import page
from .recordings import KINDS, OBJECTIVES, Recording, recording
from .results import Read, Results
from .spread import spreads
from .statements import ranking
from .verdicts import statements, three_objectives

DATA, PAGE = Path("../shared/data"), Path("docs/sj2025.md")
SCRATCH = Path(tempfile.gettempdir()) / "loopstat-studies"


def study(
    data: Path, scratch: Path, *, sessions: int | None = None, n_boot: int = 1000, progress: Progress | None = None
) -> Results | None:
    """Return the results of the study.

    Parameters
    ----------
    data : Path
        Folder of the recordings.
    scratch : Path
        Where scored tables are kept.
    sessions : int, optional
        Of each group alone: a slice.
    n_boot : int
    progress : callable, optional

    Returns
    -------
    Results or None
        None where the folder holds none of the recordings.
    """
    asked = {k.name: recording(k, data, scratch, sessions=sessions, progress=progress) for k in KINDS}
    found = [r for r in asked.values() if r is not None]
    if not found:
        return None
    before = cpu()
    read = [_read(r, data) for r in found]
    moving = [[s.objective for s in x.spreads if s.suite == "sj2025" and not s.constant] for x in read]
    fits = [fitted(r, "sj2025", names, n_boot=n_boot) for r, names in zip(found, moving, strict=True)]
    others = [fitted(r, "python", OBJECTIVES[1:], n_boot=n_boot) for r in found]
    ranked = ranking([g for f in fits if not f.recording.kind.lineage for g in f.groups], n_boot=n_boot)
    judged, n_sessions, n_tasks = _trials(found)
    return Results(
        tuple(read),
        tuple(name for name, r in asked.items() if r is None),
        tuple(fits),
        tuple(others),
        tuple(statements(fits, three_objectives(found), ranked, [x.floor for x in read])),
        ranked,
        tuple(judged),
        n_sessions,
        n_tasks,
        tuple(power(data)),
        cpu() - before,
    )


def _read(r: Recording, data: Path) -> Read:
    c = r.columns("session", "rules")
    rules = Counter(rule for text in c["rules"] for rule in str(text).split())
    sessions = len(np.unique(c["session"].astype(str)))
    return Read(r, len(c["session"]), sessions, tuple(spreads(r)), rules, floor(r), seconds(r, data))


def _trials(found: list[Recording]) -> tuple[list[Trial], int, int]:
    for r in found:
        if not r.kind.lineage:
            panel = debugged(r)
            return trials(panel), panel.n_sessions, len(panel.label_values("task"))
    return [], 0, 0


def main() -> int:
    """Write the page."""
    options = argparse.ArgumentParser(prog="python -m studies.sj2025", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--data", default=str(DATA), help="folder of the recordings")
    options.add_argument("--scratch", default=str(SCRATCH), help="folder where scored tables are kept")
    options.add_argument("--sessions", type=int, help="so many of each group alone")
    options.add_argument("--write", metavar="PATH", default=str(PAGE), help="page to write")
    given = options.parse_args()
    check_targets({"--write": given.write})
    found = study(Path(given.data), Path(given.scratch), sessions=given.sessions, progress=progress_line())
    if found is None:
        names = " nor ".join(k.name for k in KINDS)
        print(f"nothing to do: {given.data} holds neither {names}.")
        return 0
    write_file(given.write, page(found))
    print(f"{given.write}: {found.cpu:.0f} s of CPU besides scoring")
    return 0


if __name__ == "__main__":
    sys.exit(main())
