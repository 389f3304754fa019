"""The demonstration: bundled recordings, copied to a folder and analysed there: its commands can be repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..lenses import Progress, Result, lens

COMMAND = lens("analysis").commands[0]

DEMO: tuple[dict[str, Any], ...] = (
    {"name": "repeated_games", "objectives": ["points1", "points2"], "by": ["strategy"]},
    {
        "name": "llamea",
        "objectives": ["aocc_separable", "multimodal", "code_chars"],
        "by": ["model"],
        "minimize": ["code_chars"],
    },
)


def run_demo(folder: Path, *, progress: Progress | None = None) -> tuple[list[Result], Path]:
    """Analyse the bundled recordings; return the results and the path where the one report on them belongs."""
    from ..io.recordings import path
    from ..io.write import check_targets, write_file
    from .run import answer

    report = folder.resolve() / "report.html"
    names = [demo["name"] for demo in DEMO]
    copies = {f"--output {folder}": str(report), **{name: str(folder / f"{name}.parquet") for name in names}}
    check_targets(copies, [str(path(name)) for name in names])
    results = []
    for demo in DEMO:
        options = {k: v for k, v in demo.items() if k != "name"}
        table = folder / f"{demo['name']}.parquet"
        write_file(table, path(demo["name"]).read_bytes())
        flags = " ".join(f"--{k} {','.join(v)}" for k, v in options.items())
        options["command"] = f"loopstat {COMMAND.name} {table} {flags}"
        results.append(answer(COMMAND, [str(table)], options, progress=progress))
    return results, report
