"""The demonstration: bundled recordings, copied to a folder and analysed there: its commands can be repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..lenses import Progress, lens, load

if TYPE_CHECKING:
    from ..results.document import Document

COMMAND = lens("analysis").commands[0]


@dataclass(frozen=True)
class Shown:
    """A bundled recording, how it is analysed, and what the reader must know of it beforehand."""

    name: str
    options: dict[str, list[str]]
    said: str = ""


DEMO = (
    Shown("repeated_games", {"objectives": ["points1", "points2"], "by": ["strategy"]}),
    Shown(
        "llamea",
        {
            "objectives": ["aocc_separable", "multimodal", "code_chars"],
            "by": ["model"],
            "minimize": ["code_chars"],
        },
    ),
    Shown(
        "llamea_programs",
        {"by": ["model"]},
        "The same sessions by what `loopstat score` gave the programs, for a loop that logs code and no numbers: a "
        "score says how the code changes, not whether it gets better. The third score, security, is left out: it is 10 "
        "for nearly every program.",
    ),
)


def run_demo(folder: Path, *, progress: Progress | None = None) -> tuple[list[Document], Path]:
    """Analyse the bundled recordings; return what is said of each, and where the one report on them belongs."""
    from ..io.recordings import path
    from ..io.write import check_targets, write_file
    from .run import answer

    report = folder.resolve() / "report.html"
    copies = {f"--output {folder}": str(report), **{demo.name: str(folder / f"{demo.name}.parquet") for demo in DEMO}}
    check_targets(copies, [str(path(demo.name)) for demo in DEMO])
    documents = []
    for demo in DEMO:
        table = folder / f"{demo.name}.parquet"
        write_file(table, path(demo.name).read_bytes())
        flags = "".join(f" --{name} {','.join(values)}" for name, values in demo.options.items())
        options: dict[str, Any] = {**demo.options, "command": f"loopstat {COMMAND.name} {table}{flags}"}
        document: Document = load(COMMAND.view)(answer(COMMAND, [str(table)], options, progress=progress))
        documents.append(replace(document, lead=(*document.lead, f". {demo.said}")) if demo.said else document)
    return documents, report
