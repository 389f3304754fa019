"""The command `import`: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Controls, Desk, Lens, Progress, Save
from ..parameters import COLUMNS, FORMAT

if TYPE_CHECKING:
    from ..io.imported import StepsTable
    from .result import Imports

IMPORT = (COLUMNS, FORMAT)
LENS = Lens(
    "imports",
    "logs of other tools as tables of steps",
    (
        Command(
            "import",
            "Say what a log holds, what a step is in it and what it kept of what was tried; write it as a table.\n\n"
            "FILE is the log of another tool (a file or its folder), any JSON, or a folder of logs; what it is shows "
            "in what is in it. Every command that reads tables reads logs too.",
            IMPORT,
            run="loopstat.imports.lens:run",
            view="loopstat.imports.view:document",
            reads="loopstat.imports.lens:steps",
            saves=(
                Save(
                    "output",
                    "Write the steps as a table: .parquet, .csv, .tsv, .jsonl or .json.",
                    "loopstat.imports.result:table",
                    title="Table of steps",
                    short="o",
                    file="steps.parquet",
                ),
            ),
            pages=False,
            desk=Desk("Import", controls=(Controls("Log", ("format", "columns")),)),
        ),
    ),
    terms="loopstat.imports.terms:TERMS",
)


def steps(files: Sequence[str], options: Mapping[str, Any]) -> StepsTable:
    """Read logs as options ask for it."""
    from ..io.imported import read_steps

    return read_steps(list(files), columns=options.get("columns"), format=options.get("format"))


def run(recording: StepsTable, options: Mapping[str, Any], *, progress: Progress | None = None) -> Imports:
    """Say what was read."""
    from .result import imports_of

    del progress
    return imports_of(recording, str(options.get("command") or ""))
