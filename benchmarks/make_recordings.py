"""Trim the two bundled recordings from the shared tables: `python benchmarks/make_recordings.py [FOLDER]`.

FOLDER holds `llamea/` and `repeated_games/`; by default `../shared/data` beside this repository. What is dropped and
why stands in `src/loopstat/data/README.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent.parent
DATA = HERE / "src" / "loopstat" / "data"

LLAMEA = """
WITH kept AS (
    SELECT *, row_number() OVER () AS row FROM read_parquet('{folder}/llamea/llamea_bbob.parquet')
    WHERE model IN ('gpt-4o', 'gpt-3.5-turbo') AND NOT contains(study, 'superseded')
), named AS (
    SELECT session, 'run' || lpad((row_number() OVER (ORDER BY min(row)))::VARCHAR, 3, '0') AS name
    FROM kept GROUP BY session
)
SELECT name AS session, step, strategy, model, task,
       aocc_separable::FLOAT AS aocc_separable,
       ((aocc_multi_strong::DOUBLE + aocc_multi_weak::DOUBLE) / 2)::FLOAT AS multimodal,
       code_chars, fitness::FLOAT AS fitness, parent_step, accepted, outcome
FROM kept JOIN named USING (session) ORDER BY name, step
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
    """Write both files and print what they hold."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "shared" / "data"
    if not (folder / "llamea").is_dir():
        print(f"nothing to do: {folder} does not hold the tables the recordings are trimmed from.")
        return
    DATA.mkdir(exist_ok=True)
    con = duckdb.connect()
    con.execute("SET threads = 1")  # the same bytes every time
    for name, query in (("llamea", LLAMEA), ("repeated_games", GAMES)):
        target = DATA / f"{name}.parquet"
        con.execute(f"COPY ({query.format(folder=folder)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        rows = con.execute(f"SELECT count(*), count(DISTINCT session) FROM '{target}'").fetchall()  # noqa: S608
        print(f"{target.relative_to(HERE)}: {rows[0][0]:,} rows, {rows[0][1]:,} sessions, {target.stat().st_size:,} B")
    con.close()


if __name__ == "__main__":
    main()
