"""What `loopstat moves calibrate` does, from options to files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..inference.estimate import show
from ..io.pools import PoolRecording, read_pool
from ..io.versions import Versions, read_versions
from ..moves.calibrate.defect_masses import TESTS
from ..moves.calibrate.fit import Calibration, GroupCalibration, Progress, calibrate
from ..moves.calibrate.recorded_progress import progress_parameters, recorded_progress
from ..panel.panel import Source
from ..panel.pool import Pool
from .commands import parse_pairs, parse_where


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
    versions, source = _versions(files, options, where, unlike, columns)
    verdicts = any(options.get(name) for name in ("coarse", "fine", "judges", "truth"))
    found = (
        _bare(versions, source)
        if versions and not verdicts
        else read_pool(
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
    )
    settings = {
        **found.used,
        "by": found.by,
        "where": {**where, **{f"{k}!": v for k, v in unlike.items()}},
        "columns": columns,
        "command": command,
    }
    made = calibrate(
        found.parts,
        level=level,
        seed=int(options.get("seed", 0)),
        source=found.source,
        settings=settings,
        notes=found.notes,
        progress=progress,
    )
    by_label = {tuple(label.items()): part for label, part in versions}
    groups = tuple(_progressed(g, by_label.get(tuple(g.by.items())), options, level) for g in made.groups)
    return replace(made, groups=groups) if versions else made


def _versions(
    files: Sequence[str],
    options: Mapping[str, Any],
    where: Mapping[str, str],
    unlike: Mapping[str, str],
    columns: Mapping[str, str],
) -> tuple[list[tuple[dict[str, str], Versions]], Source]:
    """Read the versions whose improvement is asked for with --progress; nothing where it is not."""
    if not options.get("progress_column"):
        lost = [f"--{name}" for name in ("parent", "radius", "instrument") if options.get(name)]
        if lost or options.get("share"):
            raise SettingsError(
                f"{', '.join(lost) or '--share'} goes with --progress COL, the defects of every version."
            )
        return [], Source()
    by = list(options.get("by") or []) or None
    return read_versions(
        list(files),
        mass=options["progress_column"],
        parent=options.get("parent"),
        radius=options.get("radius"),
        instrument=options.get("instrument"),
        by=[] if by == ["none"] else by,
        where=where,
        unlike=unlike,
        columns=columns,
    )


def _bare(versions: Sequence[tuple[dict[str, str], Versions]], source: Source) -> PoolRecording:
    """Return groups of versions as pools without verdicts."""
    parts = tuple((label, Pool(np.unique(v.task, return_inverse=True)[1].ravel())) for label, v in versions)
    by = list(versions[0][0])
    used: dict[str, Any] = {"pool": None, "coarse": None, "fine": None, "judges": [], "truth": None}
    return PoolRecording(parts, by, used, (f"groups: {' and '.join(by) or 'one'}.",), source)


def _progressed(
    group: GroupCalibration, versions: Versions | None, options: Mapping[str, Any], level: float
) -> GroupCalibration:
    """Add what the versions of a group say of improvement against defects."""
    if versions is None:
        return group
    v = versions
    try:
        fit = recorded_progress(
            v.mass,
            v.session,
            step=v.step,
            parent=v.parent,
            radius=v.radius,
            instrument=v.instrument,
            task=v.task,
            share=bool(options.get("share")),
            tests=float(options.get("tests") or TESTS),
            level=level,
        )
    except SettingsError as error:
        return group.plus((), (f"improvement against defects: {error}",))
    slope = show(*(float(x) for x in (fit.slope.value, fit.slope.low, fit.slope.high)))
    note = f"{fit.n_transitions:,} transitions: a move gains {slope} more for each defect that is left."
    return group.plus(progress_parameters(fit, radii=v.radius is not None), (note,))


def settings_json(calibration: Calibration) -> str:
    """Return a settings file: what was identified, with the calibration it comes from."""
    return json.dumps(calibration.settings_file(), allow_nan=False, indent=1) + "\n"
