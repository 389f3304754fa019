"""Many rows: seconds and memory of a pooled analysis through sums, from 1e5 to 1e7 rows of Parquet.

    python -m benchmarks.many

prints a table of rows against seconds of wall clock, seconds of processors, and the most memory that was held, each
size in a process of its own: `loopstat stats TABLE -o part.stats` and `loopstat merge part.stats`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

SIZES = (100_000, 1_000_000, 10_000_000)
STEPS = 10
COMMANDS = ("stats", "merge", "analyze")


@dataclass(frozen=True)
class Row:
    """One measurement: what was run on how many rows, and what that took."""

    command: str
    rows: int
    wall: float
    cpu: float
    megabytes: float


def write_loops(path: Path, rows: int, *, parts: int = 10, seed: int = 0) -> Path:
    """Write a Parquet table of a loop of two objectives, 10 steps a session, and return its path.

    Parameters
    ----------
    path : Path
    rows : int
    parts : int
        Written one after the other, so that making the table takes little memory.
    seed : int
    """
    rng = np.random.default_rng(seed)
    sessions = rows // STEPS // parts
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t (session VARCHAR, step INTEGER, strategy VARCHAR, quality DOUBLE, speed DOUBLE, "
            "note VARCHAR)"
        )
        for part in range(parts):
            x = np.empty((sessions, STEPS, 2))
            x[:, 0] = rng.standard_normal((sessions, 2))
            for t in range(1, STEPS):
                x[:, t] = 0.6 * x[:, t - 1] + 0.5 + 0.4 * rng.standard_normal((sessions, 2))
            number = np.repeat(np.arange(sessions) + part * sessions, STEPS)
            step, quality, speed = np.tile(np.arange(STEPS), sessions), *x.reshape(-1, 2).T
            con.execute(
                "INSERT INTO t SELECT 'run-' || number, step, "
                "CASE WHEN number % 2 = 0 THEN 'plain' ELSE 'careful' END, quality, speed, 'a remark on step ' || step "
                "FROM (SELECT unnest($1) AS number, unnest($2) AS step, unnest($3) AS quality, unnest($4) AS speed)",
                [number, step, quality, speed],
            )
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def measured(*args: str) -> tuple[float, float, float]:
    """Run the command line in a process of its own; return wall seconds, processor seconds and peak megabytes."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "loopstat", *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"loopstat {' '.join(args)} failed")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def rows_of(sizes: Sequence[int], commands: Sequence[str], folder: Path) -> Iterator[Row]:
    """Yield what each command takes at each size."""
    for rows in sizes:
        table, sums = folder / f"{rows}.parquet", folder / f"{rows}.stats"
        # In a process of its own: what this one has held would count as the most that a command held.
        subprocess.run([sys.executable, "-m", "benchmarks.many", "--make", table, "--rows", str(rows)], check=True)
        asked = {
            "stats": (str(table), "--objectives", "quality,speed", "-o", str(sums)),
            "merge": (str(sums), "--json", "-"),
            "analyze": (
                str(table),
                "--objectives",
                "quality,speed",
                "--by",
                "none",
                "--estimator",
                "pooled",
                "--json",
                "-",
            ),
        }
        for command in commands:
            yield Row(command, rows, *measured(command, *asked[command]))
        table.unlink()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", default=list(SIZES), help="sizes of the tables")
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS[:2]), choices=COMMANDS)
    parser.add_argument("--make", type=Path, metavar="PATH", help="only write a table of so many rows")
    options = parser.parse_args()
    if options.make is not None:
        write_loops(options.make, int(options.rows[0]))
        return
    print("| command | rows | wall s | CPU s | CPU µs a row | memory MB |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows_of([int(n) for n in options.rows], options.commands, Path(folder)):
            each = 1e6 * row.cpu / row.rows
            cells = f"{row.wall:.1f} | {row.cpu:.1f} | {each:.2f} | {row.megabytes:,.0f}"
            print(f"| {row.command} | {row.rows:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
