"""Simulate everything claimed: `python -m benchmarks.validate` writes docs/validation.md.

`--lens balance` simulates chains of states instead, and writes docs/validation_balance.md; `--lens moves` candidates,
reviewers and loops of moves, docs/validation_moves.md.

Each replicate has a random stream of its own, made from the cell's name and its number, so the figures do not depend
on the number of workers, nor on which cells were kept from an earlier run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import scipy

import loopstat
import studies

from . import calibrations as calibrations_module
from . import cells as cells_module
from . import chains as chains_module
from . import grid as grid_module
from . import loops as loops_module
from . import progress_cells as progress_module
from .calibrations import calibration_cells
from .cells import Cell, Numbers, Row, all_cells
from .chains import balance_cells
from .progress_cells import progress_cells

FULL, QUICK = 1000, 100
CHUNK = 20
KEPT = Path(".validate")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
HOME = Path(loopstat.__file__).parent
GROUND = (HOME / "panel", HOME / "inference")
FACES = ("view", "lens.py", "terms.py")  # of a lens: no figure depends on them


@dataclass(frozen=True)
class Tally:
    """Numbers under one key over the replicates: mean and standard deviation of each entry, and how many there were.

    `rate` says that all of them were 0 or 1.
    """

    mean: list[float]
    sd: list[float]
    n: list[int]
    rate: bool


@dataclass(frozen=True)
class Lens:
    """What one page is made of: its cells, the packages that decide the figures, and where it is written."""

    cells: Callable[[], Sequence[Cell]]
    packages: tuple[Path, ...]
    simulators: tuple[ModuleType, ...]
    page: str
    title: str
    where: str


def moves_cells() -> list[Cell]:
    """Return all cells of the moves lens."""
    return [*calibration_cells(), *progress_cells()]


LENSES = {
    "drift": Lens(
        all_cells,
        (*GROUND, HOME / "drift"),
        (cells_module, grid_module, loops_module),
        "docs/validation.md",
        "Validation by simulation",
        "benchmarks/loops.py",
    ),
    "balance": Lens(
        balance_cells,
        (*GROUND, HOME / "balance"),
        (cells_module, chains_module, loops_module),
        "docs/validation_balance.md",
        "Validation of the balance lens",
        "benchmarks/chains.py",
    ),
    "moves": Lens(
        moves_cells,
        (*GROUND, HOME / "moves", Path(studies.__path__[0])),
        (cells_module, calibrations_module, progress_module, loops_module),
        "docs/validation_moves.md",
        "Validation of the moves lens",
        "benchmarks/calibrations.py",
    ),
}


def digest(lens: Lens) -> str:
    """Return a short digest of the code that decides the figures: kept cells of other code are not used."""
    every = [(f, f.relative_to(package).parts) for package in lens.packages for f in sorted(package.rglob("*.py"))]
    files = [f for f, parts in every if not set(parts) & set(FACES)]
    files += [Path(str(m.__file__)) for m in lens.simulators]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


# ------------------------------------------------------------------------------ running


def replicate(cell: Cell, number: int) -> Numbers:
    """Run one replicate; an error names the cell and the number, so that it can be repeated."""
    rng = np.random.default_rng([zlib.crc32(cell.name.encode()), number])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return cell.run(rng)
    except Exception as error:
        raise RuntimeError(f"cell {cell.name!r}, replicate {number}: {error!r}") from error


def chunk(work: tuple[str, int, int]) -> tuple[int, list[Numbers]]:
    """Run replicates `first` to `last` of the cell of that name, in a worker."""
    name, first, last = work
    cell = next(c for lens in LENSES.values() for c in lens.cells() if c.name == name)
    return first, [replicate(cell, k) for k in range(first, last)]


def run_cell(cell: Cell, replicates: int, pool: multiprocessing.pool.Pool) -> dict[str, Tally]:
    """Run a cell on all workers and tally it in the order of the replicates."""
    work = [(cell.name, s, min(s + CHUNK, replicates)) for s in range(0, replicates, CHUNK)]
    done: dict[int, list[Numbers]] = {}
    for first, numbers in pool.imap_unordered(chunk, work):
        done[first] = numbers
        _progress(cell.name, len(done), len(work))
    results = [numbers for first in sorted(done) for numbers in done[first]]
    return {key: tally(np.array([np.ravel(r[key]) for r in results])) for key in results[0]}


def tally(values: np.ndarray) -> Tally:
    """Summarise values of shape (replicates, entries); NaN is left out."""
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    safe = np.maximum(n, 1)
    mean = np.where(n > 0, np.where(there, values, 0.0).sum(axis=0) / safe, np.nan)
    spread = np.where(there, values - mean, 0.0)
    sd = np.sqrt((spread**2).sum(axis=0) / np.maximum(n - 1, 1))
    rate = bool(np.isin(values[there], (0.0, 1.0)).all())
    return Tally([float(m) for m in mean], [float(s) for s in sd], [int(k) for k in n], rate)


def _progress(name: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r  {name:16s} {done / total:4.0%}", end=end, file=sys.stderr, flush=True)


def kept_or_run(
    chosen: Sequence[Cell], replicates: int, workers: int, code: str
) -> Iterator[tuple[Cell, dict[str, Tally], float]]:
    """Yield each cell with its tallies and seconds, from `.validate` where the same code has run it before."""
    KEPT.mkdir(exist_ok=True)
    # Read by NumPy in the workers: their threads would trip over one another, and sums depend on how many there are.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for k, cell in enumerate(chosen, 1):
            count = max(10, round(replicates * cell.share))
            path = KEPT / f"{cell.name}-{count}-{code}.json"
            if path.exists():
                data = json.loads(path.read_text())
            else:
                start = time.perf_counter()
                found = run_cell(cell, count, pool)
                data = {"seconds": time.perf_counter() - start, "tallies": {k: asdict(t) for k, t in found.items()}}
                part = path.with_suffix(".part")
                part.write_text(json.dumps(data))
                part.replace(path)  # an interrupted run leaves no half cell
            tallies = {key: Tally(**t) for key, t in data["tallies"].items()}
            print(
                f"[{k}/{len(chosen)}] {cell.name}: {count} panels, {data['seconds']:.0f} s", file=sys.stderr, flush=True
            )
            yield cell, tallies, data["seconds"]


# ------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class Line:
    """One line of the table: what was measured, the figure with its Monte Carlo error, the band, and the reading."""

    words: str
    figure: str
    error: str
    band: str
    reading: str


def line(row: Row, t: Tally, panels: int) -> Line:
    """Read a tally against its band; an entry is outside where it is more than 2.6 Monte Carlo errors out of it."""
    mean, sd, n = (np.array(v, dtype=np.float64) for v in (t.mean, t.sd, t.n))
    there = n > 0
    if not there.any():
        return Line(row.words, "never reported", "", "", "")
    mean, error, n = mean[there], sd[there] / np.sqrt(n[there]), n[there]
    digits = 3 if t.rate or error.max() > 5e-4 else 4
    low, high = (f"{v:.{digits}f}" for v in (mean.min(), mean.max()))
    figure = low if len(mean) == 1 or low == high else f"{low} to {high}"
    figure += f" ({len(mean)} entries)" if len(mean) > 1 else ""
    figure += f", in {n.min():.0f} panels" if n.min() < panels else ""
    if row.band is None:
        return Line(row.words, figure, f"{error.max():.{digits}f}", "", "")
    if t.rate:  # the error a true rate at the edge of the band would have: that of 100 % seen is no 0
        edge = np.clip(mean, *row.band)
        error = np.sqrt(np.maximum(edge * (1 - edge), 1 / n) / n)
    out = np.maximum(row.band[0] - mean, mean - row.band[1])
    reading = "in" if np.all(out <= 0) else "edge" if np.all(out <= 2.6 * error) else "OUT"
    return Line(row.words, figure, f"{error.max():.{digits}f}", f"{row.band[0]:g} to {row.band[1]:g}", reading)


def report(results: Sequence[tuple[Cell, dict[str, Tally], float]], lens: Lens, command: str, code: str) -> str:
    """Return the page."""
    panels = [max(max(t.n) for t in tallies.values()) for _, tallies, _ in results]
    lines = [
        [line(row, tallies[row.key], n) for row in cell.rows]
        for (cell, tallies, _), n in zip(results, panels, strict=True)
    ]
    readings = [x.reading for part in lines for x in part if x.reading]
    n_in, n_edge, n_out = (readings.count(word) for word in ("in", "edge", "OUT"))
    outside = [
        f"- {cell.name}: {x.words}: {x.figure}, wanted {x.band}"
        for (cell, _, _), part in zip(results, lines, strict=True)
        for x in part
        if x.reading == "OUT"
    ]
    head = [
        f"# {lens.title}",
        "",
        f"Recordings are simulated outside the package (plain NumPy, `{lens.where}`), fitted by it, and compared",
        "with the truth. This page is written by the command; do not edit it.",
        "",
        f"    {command}",
        "",
        f"loopstat {loopstat.__version__}, code {code}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}; {max(panels):,} recordings in the largest cells.",
        "",
        f"{len(readings)} figures have a band: {n_in} lie in it, {n_edge} (edge) within 2.6 Monte Carlo errors of it, "
        f"{n_out} (OUT) outside{':' if outside else '.'}",
        "",
        *outside,
        *([""] if outside else []),
        "Where an estimate has several entries the smallest and the largest figure are shown; the Monte Carlo error is",
        "the largest among them. Rows without a band are information.",
    ]
    body: list[str] = []
    for (cell, _, _), n, part in zip(results, panels, lines, strict=True):
        body += ["", f"## {cell.name}", "", f"{cell.title}. {n:,} recordings.", ""]
        body += ["| | figure | Monte Carlo error | band | |", "|---|---|---|---|---|"]
        body += [f"| {x.words} | {x.figure} | {x.error} | {x.band} | {x.reading} |" for x in part]
    return "\n".join([*head, *body]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells and write the page; the exit status is 1 where a figure lies outside its band."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validate", description=__doc__)
    parser.add_argument("--lens", choices=list(LENSES), default="drift", help="what to simulate (default drift)")
    parser.add_argument("--replicates", type=int, default=FULL, help=f"panels in the largest cells (default {FULL})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} panels, printed, not written")
    parser.add_argument("--only", nargs="+", metavar="CELL", help="run these cells only, printed, not written")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", type=Path, metavar="PATH", help="default: the lens's page in docs/")
    options = parser.parse_args(arguments)
    lens = LENSES[options.lens]
    chosen = [c for c in lens.cells() if not options.only or c.name in options.only]
    if not chosen:
        parser.error(f"no such cell; cells: {', '.join(c.name for c in lens.cells())}")
    replicates = QUICK if options.quick else options.replicates
    command = "python -m benchmarks.validate" + (f" --lens {options.lens}" if options.lens != "drift" else "")
    command += f" --replicates {replicates}" if replicates != FULL else ""
    code = digest(lens)
    results = list(kept_or_run(chosen, replicates, options.workers, code))
    if digest(lens) != code:
        parser.exit(2, "the code changed while this ran: run it again.\n")
    text = report(results, lens, command, code)
    if options.quick or options.only:
        print(text)
    else:
        page = options.write or Path(lens.page)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        print(page)
    return int("| OUT |" in text)


if __name__ == "__main__":
    sys.exit(main())
