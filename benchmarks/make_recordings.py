"""Trim the bundled recordings from the shared tables: `python benchmarks/make_recordings.py [FOLDER]`.

FOLDER holds `llamea/` and `repeated_games/`; by default `../shared/data` beside this repository. What is dropped and
why stands in `src/loopstat/data/README.md`. Where FOLDER is not there, the bundled programs alone are scored again, as
they must be after a rule or a tool's version has changed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb

from loopstat.io.recordings import SCORED
from loopstat.io.scoring.artefacts import read_artefacts
from loopstat.scoring.lens import run, table

HERE = Path(__file__).resolve().parent.parent
DATA = HERE / "src" / "loopstat" / "data"

RUNS = """
WITH kept AS (
    SELECT *, row_number() OVER () AS row FROM read_parquet('{folder}/llamea/llamea_bbob.parquet')
    WHERE model IN ('gpt-4o', 'gpt-3.5-turbo') AND NOT contains(study, 'superseded')
), named AS (
    SELECT session, 'run' || lpad((row_number() OVER (ORDER BY min(row)))::VARCHAR, 3, '0') AS name
    FROM kept GROUP BY session
)
"""

LLAMEA = """{runs}
SELECT name AS session, step, strategy, model, task,
       aocc_separable::FLOAT AS aocc_separable,
       ((aocc_multi_strong::DOUBLE + aocc_multi_weak::DOUBLE) / 2)::FLOAT AS multimodal,
       code_chars, fitness::FLOAT AS fitness, parent_step, accepted, outcome
FROM kept JOIN named USING (session) ORDER BY name, step
"""

PROGRAMS = """{runs}
SELECT name AS session, kept.step, kept.strategy, kept.model, kept.task, kept.parent_step, kept.accepted, kept.outcome,
       artifact
FROM kept JOIN named USING (session)
LEFT JOIN (SELECT session, step, artifact FROM read_parquet('{folder}/llamea/llamea_code.parquet'))
USING (session, step) ORDER BY name, kept.step
"""

GAMES = """
WITH kept AS (
    SELECT *, row_number() OVER () AS row FROM read_parquet('{folder}/repeated_games/repeated_games.parquet')
), named AS (
    SELECT session, 'game' || lpad((row_number() OVER (ORDER BY min(row)))::VARCHAR, 4, '0') AS name
    FROM kept GROUP BY session
)
SELECT name AS session, step, strategy, model, task, points1::FLOAT AS points1, points2::FLOAT AS points2, state
FROM kept JOIN named USING (session) ORDER BY name, step
"""


def main() -> None:
    """Write the files and print what they hold."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "shared" / "data"
    con = duckdb.connect()
    con.execute("SET threads = 1")  # the same bytes every time
    trimmed = {"llamea": LLAMEA, "repeated_games": GAMES, SCORED: PROGRAMS}
    if (folder / "llamea").is_dir():
        for name, query in trimmed.items():
            write(con, f"({query.format(folder=folder, runs=RUNS.format(folder=folder))})", name)
    else:
        print(f"{folder} does not hold the tables the recordings are trimmed from: {SCORED} is scored again.")
    score(con)
    for name in trimmed:
        path = bundled(name)
        rows = con.execute(f"SELECT count(*), count(DISTINCT session) FROM '{path}'").fetchall()  # noqa: S608
        print(f"{path.relative_to(HERE)}: {rows[0][0]:,} rows, {rows[0][1]:,} sessions, {path.stat().st_size:,} B")
    con.close()


def bundled(name: str) -> Path:
    """Return the file of a recording in this tree."""
    return DATA / f"{name}.parquet"


def write(con: duckdb.DuckDBPyConnection, relation: str, name: str, level: int = 3) -> None:
    """Write a recording; texts are pressed harder."""
    con.execute(f"COPY {relation} TO '{bundled(name)}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level})")


def score(con: duckdb.DuckDBPyConnection) -> None:
    """Write the scores of the suite `python` beside the bundled programs, as `loopstat score -o` does."""
    path = bundled(SCORED)
    scored = run(read_artefacts([str(path)], {}), {})
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, path.name)
        fresh.write_bytes(table(scored))
        write(con, f"(FROM '{fresh}')", SCORED, level=22)


if __name__ == "__main__":
    main()
