"""What the commands do, from options to files: reading, analysing, writing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..balance.analysis import BalanceAnalysis, analyze_balance
from ..balance.settings import ReversibleChain
from ..drift.analysis import Analysis, Progress, analyze
from ..drift.settings import LinearDrift
from ..errors import InputError, SettingsError
from ..io import read, read_scorer_noise
from ..io.states import read_recording
from ..panel.panel import Panel
from ..results.document import Depth, view_of

if TYPE_CHECKING:
    from .terminal import Style


@runtime_checkable
class Face(Protocol):
    """A result that knows its own faces."""

    @property
    def notes(self) -> Sequence[str]:
        """What was guessed, left out or assumed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""

    def render(self, *, width: int, style: Style) -> str:
        """Return what the terminal shows."""

    def page(self) -> str:
        """Return the page."""


Result = Analysis | BalanceAnalysis | Face

DEMO = (
    {
        "name": "repeated_games",
        "objectives": ["points1", "points2"],
        "by": ["strategy"],
    },
    {
        "name": "llamea",
        "objectives": ["aocc_separable", "multimodal", "code_chars"],
        "by": ["model"],
        "minimize": ["code_chars"],
    },
)


def run_analysis(
    files: Sequence[str], options: Mapping[str, Any], *, command: str, progress: Progress | None = None
) -> Analysis:
    """Read tables and analyse them as the command line was told to.

    Parameters
    ----------
    files : paths or globs
    options : mapping
        The values of the command-line options, by their names with underscores.
    command : str
        The command line, kept with the result.
    progress : callable, optional
    """
    by = list(options.get("by") or [])
    where, unlike = parse_where(options.get("where") or ())
    cluster = options.get("cluster")
    pooled = by == ["none"]
    wanted = [] if pooled else by
    noise = options.get("scorer_noise")
    estimator = LinearDrift(
        options.get("estimator") or "auto",
        n_boot=int(options.get("bootstrap", 1000)),
        level=float(options.get("level", 0.95)),
        cluster=cluster,
        scorer_noise=read_scorer_noise(noise) if noise else None,
        stops_at_bounds=bool(options.get("stops_at_bounds")),
        thorough=bool(options.get("thorough")),
    )
    reading: dict[str, Any] = {
        "objectives": list(options.get("objectives") or []) or None,
        "minimize": list(options.get("minimize") or []),
        "bounds": parse_bounds(options.get("bounds") or ()),
        "columns": parse_pairs(options.get("columns") or (), "--columns"),
        "transform": parse_pairs(options.get("transform") or (), "--transform"),
        "from_step": options.get("from_step"),
    }
    labels = [*wanted, *where, *unlike, *([cluster] if cluster and cluster != "session" else [])]
    panel = read(list(files), labels=labels, **reading)
    panel = select(panel, where, unlike)
    seed = int(options.get("seed", 0))
    settings = {
        **{k: v for k, v in reading.items() if k not in ("objectives", "minimize", "bounds")},
        "where": {**where, **{f"{k}!": v for k, v in unlike.items()}},
        "command": command,
    }
    return analyze(
        panel,
        by=wanted if by else None,
        estimator=estimator,
        seed=seed,
        reference=options.get("reference"),
        settings=settings,
        progress=progress,
    )


def run_balance(
    files: Sequence[str], options: Mapping[str, Any], *, command: str, progress: Progress | None = None
) -> BalanceAnalysis:
    """Read recorded states and test every group for detailed balance, as the command line was told to.

    Parameters
    ----------
    files : paths or globs
    options : mapping
        The values of the command-line options, by their names with underscores.
    command : str
        The command line, kept with the result.
    progress : callable, optional
    """
    estimator = balance_estimator(options)
    reading = balance_reading(options)
    recording = read_recording(list(files), **reading)
    where, unlike = reading["where"], reading["unlike"]
    settings = {
        "by": recording.by,
        "state": reading["state"],
        "where": {**where, **{f"{k}!": v for k, v in unlike.items()}},
        "from_step": reading["from_step"],
        "columns": reading["columns"],
        "objectives": reading["objectives"],
        "command": command,
    }
    return analyze_balance(
        recording.parts,
        estimator=replace(estimator, visits=recording.visits),
        features=options.get("features"),
        symbolic=bool(options.get("symbolic")),
        seed=reading["seed"],
        source=recording.source,
        settings=settings,
        notes=recording.notes,
        progress=progress,
    )


def balance_estimator(options: Mapping[str, Any]) -> ReversibleChain:
    """Return the settings of a balance fit; `visits` comes with what is read."""
    return ReversibleChain(
        kernel=options.get("kernel") or "likelihood",
        beta=float(options.get("beta", 1.0)),
        lag=int(options.get("lag", 1)),
        test=options.get("test") or "auto",
        n_draws=int(options.get("bootstrap", 999)),
        level=float(options.get("level", 0.95)),
        cluster=options.get("cluster"),
        size_draws=int(options.get("size_draws") or 0),
    )


def balance_reading(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return how recorded states are read."""
    where, unlike = parse_where(options.get("where") or ())
    return {
        "state": options.get("state") or "state",
        "visits": options.get("visits") or "observed",
        "by": list(options.get("by") or []) or None,
        "where": where,
        "unlike": unlike,
        "columns": parse_pairs(options.get("columns") or (), "--columns"),
        "objectives": list(options.get("objectives") or []) or None,
        "from_step": options.get("from_step"),
        "lag": int(options.get("lag", 1)),
        "cluster": options.get("cluster"),
        "seed": int(options.get("seed", 0)),
    }


def select(panel: Panel, where: Mapping[str, str], unlike: Mapping[str, str]) -> Panel:
    """Return the part of a panel asked for; refuses to go on with nothing."""
    part = panel.where(unlike=unlike, **where) if where or unlike else panel
    if len(part) == 0:
        raise InputError("--where leaves no row.", hint="look at the label values with --by.")
    return part


def run_demo(folder: Path, *, progress: Progress | None = None) -> tuple[list[Analysis], Path]:
    """Copy the bundled recordings to a folder and analyse them there, so that the commands shown can be repeated.

    Returns the results and the path where the one report on them belongs.
    """
    from ..io.recordings import path
    from ..io.write import check_targets, write_file

    report = folder.resolve() / "report.html"
    names = [str(demo["name"]) for demo in DEMO]
    copies = {f"--output {folder}": str(report), **{name: str(folder / f"{name}.parquet") for name in names}}
    check_targets(copies, [str(path(name)) for name in names])
    results = []
    for demo in DEMO:
        options = {k: v for k, v in demo.items() if k != "name"}
        table = folder / f"{demo['name']}.parquet"
        write_file(table, path(str(demo["name"])).read_bytes())
        flags = " ".join(f"--{k} {','.join(v)}" for k, v in options.items())
        command = f"loopstat analyze {table} {flags}"
        results.append(run_analysis([str(table)], options, command=command, progress=progress))
    return results, report


# ------------------------------------------------------------------------ option values


def parse_pairs(items: Sequence[str], option: str) -> dict[str, str]:
    """Return `name=value` items as a dictionary; refuses anything else."""
    out: dict[str, str] = {}
    for item in items:
        key, separator, value = (part.strip() for part in item.partition("="))
        if not separator or not key or not value:
            raise SettingsError(f"{option} expects NAME=VALUE. Got {item!r}.")
        if key in out:
            raise SettingsError(f"{option} names {key!r} twice.")
        out[key] = value
    return out


def parse_where(items: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return (equal, unequal) conditions of `column=value` and `column!=value` items."""
    unequal = [item for item in items if item.partition("=")[0].endswith("!")]
    equal = [item for item in items if item not in unequal]
    return parse_pairs(equal, "--where"), parse_pairs([i.replace("!=", "=", 1) for i in unequal], "--where")


def parse_bounds(items: Sequence[str]) -> dict[str, tuple[float | None, float | None]]:
    """Return bounds by objective; the key `*` stands for all. An empty side is unbounded."""
    out: dict[str, tuple[float | None, float | None]] = {}
    for item in items:
        name, _, span = item.rpartition("=")
        low, separator, high = span.partition(":")
        try:
            ends = (float(low) if low.strip() else None, float(high) if high.strip() else None)
        except ValueError:
            separator = ""
            ends = (None, None)
        if any(end is not None and not math.isfinite(end) for end in ends):
            separator = ""
        if not separator or (ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]):
            raise SettingsError(f"--bounds expects NAME=LOW:HIGH with LOW below HIGH. Got {item!r}.")
        out[name.strip() or "*"] = ends
    return out


# ----------------------------------------------------------------------------- texts


def json_text(result: Result) -> str:
    """Return the JSON text.

    Letters of any script stay as they are; whatever could steer a terminal is written as an escape.
    """
    text = json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def page_text(result: Result | Sequence[Analysis]) -> str:
    """Return the page."""
    from . import html

    if isinstance(result, Face):
        return result.page()
    several = [result] if isinstance(result, Analysis | BalanceAnalysis) else result
    return html.page([view_of(r) for r in several])


def summary(result: Result, *, depth: Depth = "short", width: int, style: Style) -> str:
    """Return what the terminal shows."""
    from . import terminal

    if isinstance(result, Face):
        return result.render(width=width, style=style)
    return terminal.write(view_of(result), depth=depth, width=width, style=style)
