"""What `loopstat moves calibrate` does, from options to files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .calibrating import Calibration, Progress, calibrate
from .commands import parse_pairs, parse_where, write_whole
from .errors import SettingsError
from .io.pools import read_pool


def run_calibration(
    files: Sequence[str], options: Mapping[str, Any], *, command: str, progress: Progress | None = None
) -> Calibration:
    """Read recorded candidates and calibrate the moves lens on them, as the command line was told to.

    Parameters
    ----------
    files : paths or globs
    options : mapping
        The values of the command-line options, by their names with underscores.
    command : str
        The command line, kept with the result.
    progress : callable, optional
    """
    level = float(options.get("level", 0.95))
    if not 0 < level < 1:
        raise SettingsError(f"--level must lie between 0 and 1. Got {level:g}.")
    where, unlike = parse_where(options.get("where") or ())
    columns = parse_pairs(options.get("columns") or (), "--columns")
    found = read_pool(
        list(files),
        pool=options.get("pool") or "task",
        coarse=options.get("coarse"),
        fine=options.get("fine"),
        judges=list(options.get("judges") or []),
        truth=options.get("truth"),
        by=list(options.get("by") or []) or None,
        where=where,
        unlike=unlike,
        columns=columns,
    )
    settings = {
        **found.used,
        "by": found.by,
        "where": {**where, **{f"{k}!": v for k, v in unlike.items()}},
        "columns": columns,
        "command": command,
    }
    return calibrate(
        found.parts,
        level=level,
        seed=int(options.get("seed", 0)),
        source=found.source,
        settings=settings,
        notes=found.notes,
        progress=progress,
    )


def as_json(calibration: Calibration) -> str:
    """Return the JSON text of a calibration; letters beyond ASCII stand as escapes, which no terminal obeys."""
    return json.dumps(calibration.to_dict(), allow_nan=False, indent=1) + "\n"


def settings_json(calibration: Calibration) -> str:
    """Return a settings file: what was identified, with the calibration it comes from."""
    return json.dumps(calibration.settings_file(), allow_nan=False, indent=1) + "\n"


def write_files(calibration: Calibration, *, json_path: str | None, settings_path: str | None) -> list[str]:
    """Write what was asked for and return the paths written; `-` is standard output, which is not written here."""
    wanted = [(json_path if json_path != "-" else None, as_json), (settings_path, settings_json)]
    for path, make in wanted:
        if path:
            write_whole(Path(path), make(calibration))
    return [path for path, _ in wanted if path]
