"""Record the figures of many commands and compare two records: does a change of the code change what is claimed?

    python -m benchmarks.same_figures record DIR [--src SRC] [--data DATA] [--only PATTERN]
    python -m benchmarks.same_figures compare BEFORE AFTER [--rtol R] [--show N]

`record` runs every command of `COMMANDS` with the code under SRC, one after the other, and writes to DIR what it says
(`json/NAME.json`, `text/NAME.txt`) and how it ran (`runs/NAME.json`). What is there already is left alone, so a record
that was interrupted goes on. `compare` prints one line per command and exits 1 if anything but words differs, or if a
command is recorded in one of the two only. The tables of DATA are not part of the package; `tables/` holds small ones
made from them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
Maker = Callable[[Path, Path], object]

TELEPHONE = "analyze data/telephone_game/telephone_game.parquet --from-step 1 --transform length=log,toxicity=logit"
GAMES = "tables/repeated_games.parquet"
CODE = "tables/llamea.parquet --minimize code_chars --objectives"
PARAPHRASE = "data/paraphrase_cycles/paraphrase_cycles.parquet"
TEMPERATURE = "data/telephone_game/telephone_temperature.parquet"
POOL = "data/humaneval_pool/humaneval_k10.parquet --coarse base_pass --fine plus_pass"

COMMANDS = {
    # scores: estimators, lineages, stops, noise, comparisons
    "telephone": f"{TELEPHONE} --by model,strategy --minimize toxicity,difficulty",
    "telephone_pooled": f"{TELEPHONE} --by model --estimator pooled --cluster task --seed 3",
    "telephone_reference": f"{TELEPHONE} --by strategy --estimator within --reference strategy=rephrase "
    "--minimize toxicity",
    "temperature_latent": f"analyze {TEMPERATURE} --objectives positivity,length --transform length=log --from-step 1 "
    "--where prompt=continue --by strategy --estimator latent --bootstrap 200",
    "intercode": "analyze data/intercode/intercode.parquet --objectives reward --by strategy",
    "intercode_models": "analyze data/intercode/intercode.parquet --objectives reward --by strategy,model "
    "--estimator pooled --level 0.9",
    "games": f"analyze {GAMES}",
    "games_within": f"analyze {GAMES} --estimator within --by strategy --cluster task --bootstrap 300",
    "games_instrument": f"analyze {GAMES} --estimator instrument --where strategy!=Tragic",
    "games_noise": f"analyze {GAMES} --estimator eiv --scorer-noise tables/noise.json --by strategy",
    "games_stop": f"analyze {GAMES} --stops-at-bounds --bounds 1:4 --objectives points1 --estimator pooled",
    "games_thorough": f"analyze {GAMES} --where strategy=Biased --estimator latent --thorough --bootstrap 50",
    "code_models": "analyze data/llamea/llamea_bbob.parquet --objectives fitness --by model",
    "code_scores": f"analyze {CODE} aocc_separable,multimodal,code_chars --by model",
    "code_prompts": "analyze tables/llamea.parquet --objectives fitness --by strategy --reference strategy=rate20% "
    "--estimator pooled --bootstrap 200",
    "prompts": "analyze data/openevolve_prompts/openevolve_prompts.parquet --minimize mae,prompt_length "
    "--objectives combined_score,R_global,mae,prompt_length",
    "heuristics": "analyze data/eoh/eoh_samples.parquet --minimize objective --objectives objective --by task "
    "--where task!=ale_pong",
    "paraphrase": f"analyze {PARAPHRASE} --by strategy --objectives chars,sim_first --transform chars=log1p",
    "reviews": "analyze data/selfrefine_yelp/selfrefine_yelp.parquet --objectives sentiment,chars --by none "
    "--bounds sentiment=-2:2",
    "reviews_files": "analyze tables/chatgpt.csv tables/gpt4.csv --by file --objectives words,chars "
    "--transform words=log1p",
    "crosswords": "analyze data/tot_pools/crossword_dfs.parquet --objectives r_letter,r_word --bounds 0:1",
    "debugging": "analyze data/ldb_humaneval/ldb_humaneval.parquet --objectives plus_frac --by strategy",
    "scored_twice": "analyze tables/twice.parquet --objectives positivity,length --by none",
    "one_run": "analyze tables/one_run.csv --objectives positivity,difficulty",
    # states: sessions, counted moves, texts, bins, clusters, expressions, tests, features
    "words_equal": "balance data/detailed_balance_words/transition_counts.parquet --visits equal",
    "words_softplus": "balance data/detailed_balance_words/transition_counts.parquet --kernel softplus --beta 2 "
    "--visits 5000",
    "words_json": "balance tables/words.json --kernel exp --test exact",
    "expressions_json": "balance tables/expressions.json --by none",
    "associations": "balance data/word_association_gpt/word_association_gpt.parquet",
    "associations_features": "balance data/word_association_gpt/word_association_gpt.parquet --features text "
    "--where model=gpt-4o-2024-05-13 --test chi-square",
    "states_games": f"balance {GAMES} --by strategy",
    "states_games_late": f"balance {GAMES} --by strategy --from-step 5 --lag 2 --test bootstrap --bootstrap 199",
    "states_games_size": f"balance {GAMES} --by none --where strategy=Cyclic --size-draws 20 --level 0.9",
    "states_kmeans": f"balance {GAMES} --by none --state kmeans:4 --objectives points1,points2",
    "states_symbolic": f"balance {GAMES} --by none --state kmeans:6 --objectives points1,points2 --features objectives "
    "--symbolic",
    "states_bins": f"balance {TEMPERATURE} --state bins:3 --objectives length --from-step 1 --by strategy",
    "states_texts": f"balance {TEMPERATURE} --state text_id --by strategy --where seed=1",
    "states_normal": f"balance {PARAPHRASE} --state normal:artifact --by none --where strategy=translation@out-v1",
    "states_reviews": "balance data/selfrefine_yelp/selfrefine_yelp.parquet --from-step 1",
    # moves
    "settings": "moves settings",
    "simulate": "moves simulate --set tr_max_radius=2",
    "simulate_preset": "moves simulate --preset noob-vibe --scenario legacy-refactor --seed 5",
    "simulate_sensitivity": "moves simulate --policy trust-region --candidates 4 --replicates 400 --sensitivity",
    "plan_budget": "moves plan --budget 300 --replicates 1000",
    "plan_reliability": "moves plan --reliability 0.9 --judge p_pass --policy planner --search candidates=1,3,6 "
    "--no-frontier",
    "calibrate_pool": f"moves calibrate {POOL} --where model=gpt-4 --by none",
    "calibrate_judges": "moves calibrate data/judgebench/judgebench_candidates.parquet --truth correct --by none "
    "--judges grm_gemma_2b_rewardmodel_ft,skywork_reward_gemma_2_27b,skywork_reward_llama_3_1_8b,internlm2_20b_reward",
    "calibrate_progress": "moves calibrate data/ldb_humaneval/ldb_humaneval.parquet --progress base_frac --share "
    "--instrument plus_frac --by none",
    "calibrate_search": "moves calibrate tables/game24.parquet --coarse passed --by strategy",
}

# --------------------------------------------------------------------------- small tables


def copied(source: Path) -> Maker:
    """Return a maker of a copy: where the package keeps its recordings may change, the commands may not."""
    return lambda data, path: path.write_bytes(source.read_bytes())


def reviews(model: str) -> Maker:
    """Return a maker of the reviews of one model, as CSV."""

    def make(data: Path, path: Path) -> None:
        table = pl.read_parquet(data / "selfrefine_yelp/selfrefine_yelp.parquet").filter(pl.col("model") == model)
        table.select("session", "step", "task", "words", "chars", "sentiment").write_csv(path)

    return make


def scored_twice(data: Path, path: Path) -> None:
    """Write chains of rewriting scored three times: as recorded, and with noise of known size."""
    table = pl.read_parquet(data / "telephone_game/telephone_game.parquet")
    chains = (
        (pl.col("model") == "gpt-3.5-turbo-0125")
        & (pl.col("strategy") == "continue")
        & pl.col("step").is_between(1, 15)
    )
    table = table.filter(chains).select("session", "step", "task", "positivity", "length")
    rng = np.random.default_rng(0)
    noise = [(pl.Series(rng.normal(0, 0.05, len(table))), pl.Series(rng.normal(0, 40, len(table)))) for _ in range(3)]
    scored = [
        table.with_columns(pl.col("positivity") + a, pl.col("length") + b, repeat=pl.lit(k))
        for k, (a, b) in enumerate(noise)
    ]
    pl.concat(scored).write_parquet(path)


def one_run(data: Path, path: Path) -> None:
    """Write one chain, joined of the seeds of one text: a single long session."""
    table = pl.read_parquet(data / "telephone_game/telephone_game.parquet")
    one = (pl.col("model") == "Mistral-7B-Instruct-v0.2") & (pl.col("strategy") == "inspiration") & (pl.col("step") > 0)
    table = table.filter(one & (pl.col("task") == table["task"][0])).sort("seed", "step")
    table = table.with_columns(session=pl.lit("one"), step=pl.int_range(pl.len()))
    table.select("session", "step", "positivity", "difficulty").write_csv(path)


def game24(data: Path, path: Path) -> None:
    """Write the first 20 of the 100 answers to every problem."""
    pl.read_parquet(data / "tot_pools/game24_k100.parquet").filter(pl.col("candidate") < 20).write_parquet(path)


def written(content: object) -> Maker:
    """Return a maker of a JSON file."""
    return lambda data, path: path.write_text(json.dumps(content))


WORDS = {
    "COLD": ["WARM", "WARM", "INVALID00", "COLD", "HOT"],
    "WARM": ["COLD", "HOT", "HOT", "INVALID00", "COLD"],
    "HOT": ["WARM", "WARM", "COLD", "MILD"],
    "MILD": ["INVALID00", "WARM"],
}
EXPRESSIONS = [
    {"target_expression": after, "source_expressions": [{"expression": before, "score": score}]}
    for before, after, score in [
        *[("x", "x + 1", 0.4)] * 9,
        *[("x + 1", "x", 0.5)] * 4,
        *[("x + 1", "sin(x)", 0.7)] * 6,
        *[("sin(x)", "x", 0.2)] * 5,
        *[("sin(x)", "x + 1", 0.3)] * 3,
        *[("x", "sin(x)", 0.1)] * 2,
    ]
]
TABLES: dict[str, Maker] = {
    "repeated_games.parquet": copied(ROOT / "src/loopstat/data/repeated_games.parquet"),
    "llamea.parquet": copied(ROOT / "src/loopstat/data/llamea.parquet"),
    "chatgpt.csv": reviews("chatgpt"),
    "gpt4.csv": reviews("gpt-4"),
    "twice.parquet": scored_twice,
    "one_run.csv": one_run,
    "game24.parquet": game24,
    "noise.json": written({"objectives": ["points1", "points2"], "covariance": [[0.2, 0.05], [0.05, 0.2]]}),
    "words.json": written(WORDS),
    "expressions.json": written(EXPRESSIONS),
}

# --------------------------------------------------------------------------- record


def entry_point(src: Path) -> str:
    """Return the Python that starts the command line of the project around `src`."""
    with (src.parent / "pyproject.toml").open("rb") as file:
        module, name = tomllib.load(file)["project"]["scripts"]["loopstat"].split(":")
    return f"import sys; from {module} import {name}; sys.argv[0] = 'loopstat'; sys.exit({name}())"


@dataclass(frozen=True)
class Recorder:
    """Runs commands in `place`, where `data` leads to the tables, so that every record names the same paths."""

    place: Path
    src: Path
    data: Path
    python: str

    def prepare(self, arguments: Sequence[str]) -> None:
        """Make the small tables that the command reads."""
        for part in ("json", "text", "runs", "tables"):
            (self.place / part).mkdir(parents=True, exist_ok=True)
        if not (self.place / "data").exists():
            (self.place / "data").symlink_to(self.data.resolve())
        for name, make in TABLES.items():
            path = self.place / "tables" / name
            if f"tables/{name}" in arguments and not path.exists():
                make(self.data, path)

    def run(self, name: str, arguments: list[str]) -> dict[str, Any]:
        """Run one command; return and write how it ran."""
        self.prepare(arguments)
        (self.place / f"json/{name}.json").unlink(missing_ok=True)
        environment = os.environ | {"PYTHONPATH": str(self.src), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
        start = time.perf_counter()
        with (self.place / f"text/{name}.txt").open("w") as text:
            child = subprocess.Popen(
                [self.python, "-c", entry_point(self.src), *arguments, "--json", f"json/{name}.json"],
                cwd=self.place,
                env=environment,
                stdout=text,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        ran = {
            "command": shlex.join(["loopstat", *arguments]),
            "exit_code": child.returncode,
            "wall_seconds": round(time.perf_counter() - start, 2),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "peak_megabytes": usage.ru_maxrss // 1024,
        }
        (self.place / f"runs/{name}.json").write_text(json.dumps(ran, indent=1) + "\n")
        return ran

    def known(self, name: str, arguments: list[str]) -> bool:
        """Return whether this very command was recorded before, and ended well."""
        path = self.place / f"runs/{name}.json"
        ran = json.loads(path.read_text()) if path.exists() else {"exit_code": None}
        return ran["exit_code"] == 0 and ran["command"] == shlex.join(["loopstat", *arguments])


def record(recorder: Recorder, only: str) -> int:
    """Run what is not yet recorded; return 1 if a command failed."""
    chosen = {name: shlex.split(command) for name, command in COMMANDS.items() if fnmatch(name, only)}
    seconds, broken = 0.0, 0
    for k, (name, arguments) in enumerate(chosen.items(), start=1):
        head = f"{k:3d}/{len(chosen)} {name:22s}"
        if recorder.known(name, arguments):
            print(f"{head} recorded before", flush=True)
            continue
        print(head, end=" ", flush=True)
        ran = recorder.run(name, arguments)
        seconds += ran["cpu_seconds"]
        broken += ran["exit_code"] != 0
        print(f"exit {ran['exit_code']} {ran['wall_seconds']:8.1f} s {ran['cpu_seconds']:8.1f} s of CPU", flush=True)
    print(f"{seconds:.0f} s of CPU")
    return int(broken > 0)


# --------------------------------------------------------------------------- compare


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every leaf with its path; a list of strings alone is one leaf, for sentences come and go."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(tree, list) and tree and not all(isinstance(value, str) for value in tree):
        for k, value in enumerate(tree):
            yield from leaves(value, f"{path}/{k}")
    else:
        yield path, tree


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a leaf is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_words(value: object) -> bool:
    """Return whether a leaf is text, or a list that holds nothing else (an empty one included)."""
    return isinstance(value, str | list)


def apart(a: float, b: float) -> float:
    """Return the difference relative to the larger of the two."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    size = max(abs(a), abs(b))
    return abs(a - b) / size if math.isfinite(a - b) else math.inf


@dataclass
class Difference:
    """What differs between two results; `figures`, `others` and `words` are lines that say where."""

    numbers: int = 0
    largest: float = 0.0
    figures: list[str] = field(default_factory=list)
    only_before: list[str] = field(default_factory=list)
    only_after: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing but words differs."""
        return not (self.figures or self.only_before or self.only_after or self.others)


def difference(before: object, after: object, *, rtol: float = 1e-9, atol: float = 0.0) -> Difference:
    """Compare two JSON trees leaf by leaf; numbers are the same within `rtol` of the larger or within `atol`."""
    a, b = dict(leaves(before)), dict(leaves(after))
    found = Difference(only_before=[p for p in a if p not in b], only_after=[p for p in b if p not in a])
    for path in (p for p in a if p in b):
        x, y = a[path], b[path]
        line = f"{path}: {x!r} -> {y!r}"
        if is_number(x) and is_number(y):
            found.numbers += 1
            gap = 0.0 if abs(x - y) <= atol else apart(x, y)
            found.largest = max(found.largest, gap)
            if gap > rtol:
                found.figures.append(line)
        elif is_words(x) and is_words(y):
            found.words += [line] * (x != y)
        elif x != y or type(x) is not type(y):
            found.others.append(line)
    return found


def recorded(place: Path, name: str) -> tuple[dict[str, Any], object]:
    """Return how a command ran and its result, None where it wrote none."""
    result = place / f"json/{name}.json"
    ran: dict[str, Any] = json.loads((place / f"runs/{name}.json").read_text())
    return ran, json.loads(result.read_text()) if result.exists() else None


def compare(before: Path, after: Path, only: str = "*", *, rtol: float = 1e-9, atol: float = 0.0, show: int = 5) -> int:
    """Print one line per command and where it differs; return 1 if anything but words does."""
    paths = [path for place in (before, after) for path in sorted((place / "runs").glob("*.json"))]
    names = dict.fromkeys(path.stem for path in paths if fnmatch(path.stem, only))
    heads = ("numbers", "largest", "beyond", "lost", "new", "others", "words", "CPU before", "CPU after")
    print(f"{'command':22s}" + "".join(f"{head:>11s}" for head in heads))
    differing = 0
    for name in names:
        missing = [str(place) for place in (before, after) if not (place / f"runs/{name}.json").exists()]
        if missing:
            print(f"{name:22s}  not recorded in {missing[0]}")
            differing += 1
            continue
        (ran, x), (ran_after, y) = recorded(before, name), recorded(after, name)
        found = difference(x, y, rtol=rtol, atol=atol)
        if ran["exit_code"] != ran_after["exit_code"]:
            found.others.append(f"exit code: {ran['exit_code']} -> {ran_after['exit_code']}")
        differing += not found.same
        print(line_of(name, found, ran["cpu_seconds"], ran_after["cpu_seconds"]))
        parts = {"": found.figures, "lost ": found.only_before, "new ": found.only_after, " ": found.others}
        for mark, lines in (parts | {"words ": found.words}).items():
            for line in lines[:show]:
                print(f"    {mark}{line[:180]}")
            if len(lines) > show > 0:
                print(f"    {mark}... and {len(lines) - show} more")
    print(f"{differing} of {len(names)} commands differ by more than words")
    return int(differing > 0)


def line_of(name: str, found: Difference, cpu_before: float, cpu_after: float) -> str:
    """Return the row of one command."""
    lists = (found.figures, found.only_before, found.only_after, found.others, found.words)
    counts = "".join(f"{len(some):11d}" for some in lists)
    return f"{name:22s}{found.numbers:11d}{found.largest:11.1e}{counts}{cpu_before:11.1f}{cpu_after:11.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or compare."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_figures", description=(__doc__ or "").splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--only", default="*", metavar="PATTERN", help="names of commands, such as 'states_*'")
    one = commands.add_parser("record", parents=[parent], help="run every command and keep what it says")
    one.add_argument("directory", type=Path, metavar="DIR")
    one.add_argument("--src", type=Path, default=ROOT / "src", help="the code to run, beside its pyproject.toml")
    one.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="the public tables")
    one.add_argument("--python", default=sys.executable, help="the interpreter")
    two = commands.add_parser("compare", parents=[parent], help="say what differs between two records")
    two.add_argument("before", type=Path)
    two.add_argument("after", type=Path)
    two.add_argument("--rtol", type=float, default=1e-9, help="relative difference of numbers still the same [1e-9]")
    two.add_argument("--atol", type=float, default=0.0, help="absolute difference of numbers still the same [0]")
    two.add_argument("--show", type=int, default=5, help="differences printed of each kind [5]")
    given = parser.parse_args(arguments)
    if given.command == "record":
        recorder = Recorder(given.directory.resolve(), given.src.resolve(), given.data, given.python)
        return record(recorder, given.only)
    return compare(given.before, given.after, given.only, rtol=given.rtol, atol=given.atol, show=given.show)


if __name__ == "__main__":
    sys.exit(main())
