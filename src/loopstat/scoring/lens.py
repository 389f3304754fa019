"""The command `score`: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Desk, Lens, Progress, Save, load
from ..parameters import ARTIFACT, COLUMNS
from .rows import LINES, LINES_FROM, SUITE, TABLE, WORKERS

if TYPE_CHECKING:
    from .scored import Scored

DEFAULT_SUITE = ("python",)
SCORE = (SUITE, TABLE, ARTIFACT, LINES, LINES_FROM, COLUMNS, WORKERS)

LENS = Lens(
    "scoring",
    "score programs and texts without running them",
    (
        Command(
            "score",
            "Score programs or texts without running them: 0 to 10, with the findings behind each score.\n\n"
            "FILE is a program or text, a folder of them, or a table with a column of texts (CSV, TSV, JSONL, "
            "Parquet). A score counts what its rules see: it never says that a program is secure, fast or right.",
            SCORE,
            run="loopstat.scoring.lens:run",
            view="loopstat.scoring.view:document",
            reads="loopstat.io.scoring.artefacts:read_artefacts",
            saves=(
                Save(
                    "output",
                    "Write the table with its scores as Parquet, ready for `loopstat analyze`.",
                    "loopstat.scoring.lens:table",
                    short="o",
                    suffix=".parquet",
                    title="Table with scores",
                ),
            ),
            least_files=0,
            desk=Desk("Scores", settings=tuple(row for row in SCORE if row not in (TABLE, WORKERS))),
        ),
    ),
    terms="loopstat.scoring.terms:TERMS",
)


def run(recording: Any, options: Mapping[str, Any], *, progress: Progress | None = None) -> Scored:
    """Score what was read as it was asked for.

    Parameters
    ----------
    recording : Artefacts
        As `loopstat.io.scoring.artefacts` reads them.
    options : mapping
        Values of `SCORE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from .batches import score_all
    from .registry import scorer_of
    from .scored import scored

    suite = list(options.get("suite") or DEFAULT_SUITE)
    by_task = bool(options.get("lines_from"))
    scorer = scorer_of(suite, lines=options.get("lines") or LINES.default, by_task=by_task)
    scores = score_all(recording.texts, scorer, workers=options.get("workers"), progress=progress)
    kept = {name: options.get(name) for name in ("command", "lines", "lines_from", "artifact", "columns")}
    settings = {**kept, "suite": suite}
    result = scored(recording.keys, scores, scorer, recording.source, settings=settings, recording=recording)
    there = [name for name in scorer.objectives if name in recording.columns]
    said = f"the table has {', '.join(there)} of its own; where it is written with its scores, these replace them."
    return replace(result, notes=(*result.notes, said)) if there else result


def table(result: Scored) -> bytes:
    """Return the Parquet file of what was read with its scores."""
    columns = {s.name: [t.scores[s.name] for t in result.texts] for s in result.spread}
    made: bytes = load("loopstat.io.scoring.artefacts:scored_table")(
        result.recording, columns, result.hash, result.settings.get("columns")
    )
    return made
