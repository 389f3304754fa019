"""Recordings as options ask for them: texts of options become columns, conditions and bounds; files become data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import SettingsError
from ..panel.panel import Panel, Source
from ..panel.scorers import SCORER
from ..parameters import pairs
from .groups import nothing_left
from .noise import read_scorer_noise
from .pools import PoolRecording, read_pool
from .read import read
from .recorded import Recording
from .scoring.columns import ARTIFACT, Progress, Scoring
from .states import read_recording
from .versions import Versions, read_versions

Options = Mapping[str, Any]
VERDICTS = ("coarse", "fine", "judges", "truth")
TOLD = "told"  # among the options of a reader: whom to tell how far it is
OF_VERSIONS = ("parent", "radius", "instrument", "share")


@dataclass(frozen=True)
class Candidates:
    """What `moves calibrate` reads: candidates with their verdicts, versions with their defects, or both.

    Attributes
    ----------
    pool : PoolRecording or None
    versions : tuple of (labels, Versions)
    source : Source
    """

    pool: PoolRecording | None
    versions: tuple[tuple[dict[str, str], Versions], ...]
    source: Source


Reader = Callable[[Sequence[str], Options], Any]


def asked(
    reads: str | Reader, files: Sequence[str], options: Options, *, progress: Progress | None = None
) -> tuple[Any, dict[str, Any]]:
    """Read files of a kind as options ask for it.

    Parameters
    ----------
    reads : `panel`, `states`, `pool`, `nothing`, or what reads files as options ask
    files : paths or globs
    options : mapping
        Values of settings by name.
    progress : callable, optional
        Called with (done, total, what) by what takes long.

    Returns
    -------
    recording, options
        What was read, and the options with texts replaced by what they mean.
    """
    known = {**options, **_meant(options)}
    reader = READERS[reads] if isinstance(reads, str) else reads
    return reader(list(files), {**known, TOLD: progress}), {**known, "where": _said(known)}


def _meant(options: Options) -> dict[str, Any]:
    """Return the conditions and pairs among options, taken apart."""
    found: dict[str, Any] = {"objectives": list(options.get("objectives") or []) or None}
    found["where"], found["unlike"] = conditions(options.get("where") or ())
    for name in ("columns", "transform"):
        found[name] = pairs(options.get(name) or (), f"--{name}")
    found["bounds"] = bounds(options.get("bounds") or ())
    if options.get("scorer_noise") not in (None, "", "none"):
        found["scorer_noise"] = read_scorer_noise(options["scorer_noise"])
    return found


def _said(known: Options) -> dict[str, str]:
    return {**known["where"], **{f"{k}!": v for k, v in known["unlike"].items()}}


def _panel(files: Sequence[str], known: Options) -> Panel:
    by, cluster = list(known.get("by") or []), known.get("cluster")
    needed = [known.get("ended"), known.get("cost"), None if cluster == "session" else cluster]
    labels = [*(by if by != ["none"] else []), *known["where"], *known["unlike"], *filter(None, needed)]
    names = ("bounds", "columns", "transform", "from_step", "format")
    counted = [name for name in (known.get("select"), known.get("value")) if name]
    mixed = bool(known.get("mixed_scorers"))
    apart = SCORER in (*by, *known["where"], *known["unlike"])
    panel = read(
        list(files),
        labels=list(dict.fromkeys(labels)),
        minimize=list(known.get("minimize") or []),
        objectives=known.get("objectives") or list(dict.fromkeys(counted)) or None,
        score=_scoring(known),
        mixed_scorers=mixed or apart,
        **{name: known.get(name) for name in names},
    )
    if not (known["where"] or known["unlike"]):
        return panel
    part = panel.where(unlike=known["unlike"], **known["where"])
    part = replace(part, mixed_scorers=mixed or SCORER in by)
    if len(part) == 0:
        raise nothing_left()
    return part


def _scoring(known: Options) -> Scoring | None:
    if not known.get("score"):
        return None
    return Scoring(tuple(known["score"]), known.get("artifact") or ARTIFACT, known.get(TOLD))


def _states(files: Sequence[str], known: Options) -> Recording:
    given: dict[str, Any] = {
        name: known.get(name) for name in ("where", "unlike", "columns", "objectives", "from_step", "cluster", "format")
    }
    return read_recording(
        list(files),
        state=known.get("state") or "state",
        visits=known.get("visits") or "observed",
        by=list(known.get("by") or []) or None,
        lag=int(known.get("lag") or 1),
        seed=int(known.get("seed") or 0),
        **given,
    )


def _candidates(files: Sequence[str], known: Options) -> Candidates:
    by = list(known.get("by") or []) or None
    shared = {name: known.get(name) for name in ("where", "unlike", "columns", "format")}
    versions: tuple[tuple[dict[str, str], Versions], ...] = ()
    source = Source()
    if known.get("progress"):
        given = {name: known.get(name) for name in ("parent", "radius", "instrument")}
        found, source = read_versions(list(files), mass=known["progress"], by=by, **given, **shared)
        versions = tuple(found)
    elif lost := [f"--{name}" for name in OF_VERSIONS if known.get(name)]:
        raise SettingsError(f"{', '.join(lost)} goes with --progress COL, the defects of every version.")
    if versions and not any(known.get(name) for name in VERDICTS):
        return Candidates(None, versions, source)
    pool = read_pool(
        list(files),
        pool=known.get("pool") or "task",
        coarse=known.get("coarse"),
        fine=known.get("fine"),
        judges=list(known.get("judges") or []),
        truth=known.get("truth"),
        by=by,
        **shared,
    )
    return Candidates(pool, versions, pool.source)


def _nothing(files: Sequence[str], known: Options) -> None:
    del files, known


READERS: dict[str, Reader] = {
    "panel": _panel,
    "states": _states,
    "pool": _candidates,
    "nothing": _nothing,
}


def conditions(items: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return (equal, unequal) conditions of `column=value` and `column!=value` items."""
    unequal = [item for item in items if item.partition("=")[0].endswith("!")]
    equal = [item for item in items if item not in unequal]
    return pairs(equal, "--where"), pairs([i.replace("!=", "=", 1) for i in unequal], "--where")


def bounds(items: Sequence[str]) -> dict[str, tuple[float | None, float | None]]:
    """Return bounds by objective; the key `*` stands for all. An empty side is unbounded."""
    out: dict[str, tuple[float | None, float | None]] = {}
    for item in items:
        name, _, span = item.rpartition("=")
        low, separator, high = span.partition(":")
        try:
            ends = (float(low) if low.strip() else None, float(high) if high.strip() else None)
        except ValueError:
            separator, ends = "", (None, None)
        if any(end is not None and not math.isfinite(end) for end in ends):
            separator = ""
        if not separator or (ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]):
            raise SettingsError(f"--bounds expects NAME=LOW:HIGH with LOW below HIGH. Got {item!r}.")
        out[name.strip() or "*"] = ends
    return out
