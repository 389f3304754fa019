"""Random valid tables with random valid options through every command: `python -m benchmarks.fuzz --cases 1000`.

A case is a seed and a number, nothing else: `--seed S --case N` runs it again. It fails where an exception leaves the
command, a warning reaches anybody, the JSON is not strict JSON, or the run works longer than the limit. A refusal
(exit 2 with a sentence) is no failure, but it is counted: a generator whose tables are mostly refused tests nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.random import Generator

LIMIT = 20  # seconds a case may take
REFUSED = 2
KINDS = ("exception", "warning", "stderr", "json", "slow", "exit")
FOREIGN = re.compile(r"Warning|Traceback|\.py:\d+|\bnan\b")

Table = tuple[list[str], list[list[object]]]


@dataclass(frozen=True)
class Case:
    """One run of a command: its words, with `{table}` and `{out}` for the paths."""

    command: str
    words: tuple[str, ...]
    table: Table | None


@dataclass(frozen=True)
class Outcome:
    """What became of a case; `failure` is one of KINDS, or empty."""

    number: int
    command: str
    seconds: float
    code: int
    failure: str = ""
    detail: str = ""


# ------------------------------------------------------------------------------------------------------ tables


SHAPES = {"settles": 4, "walk": 2, "bounded": 2, "grades": 1, "huge": 0.5, "tiny": 0.5, "binary": 1, "constant": 0.5}
PLAIN = tuple(SHAPES)[:6]  # of which there is always one, or the table is rightly refused


def shape_of(rng: Generator, shapes: Sequence[str]) -> str:
    """Return the shape of a column: of what kind its scores are."""
    weights = np.array([SHAPES[shape] for shape in shapes])
    return str(rng.choice(shapes, p=weights / weights.sum()))


def scores(rng: Generator, shape: str, n: int) -> np.ndarray:
    """Return one session's scores of a shape."""
    noise = rng.normal(size=n)
    if shape == "binary":
        return (rng.random(n) < 0.6).astype(float)
    if shape == "constant":
        return np.full(n, 3.0)
    path = noise.copy()
    keep = 1.0 if shape == "walk" else 0.6
    for t in range(1, n):
        path[t] = keep * path[t - 1] + 0.3 + 0.5 * noise[t]
    if shape == "bounded":
        return np.clip(path, 0, 1)
    if shape == "grades":
        return np.clip(np.round(5 + 2 * path), 1, 10)
    return path * {"huge": 1e9, "tiny": 1e-9}.get(shape, 1.0)


def sessions(rng: Generator) -> Table:
    """Return a table of sessions: groups, tasks, gaps in steps, missing scores, states; sometimes a lineage."""
    n = int(rng.choice([1, 2, 3, 5, 12, 30], p=[0.05, 0.05, 0.1, 0.2, 0.4, 0.2]))
    objectives = [f"score{j}" for j in range(int(rng.integers(1, 4)))]
    shapes = [shape_of(rng, tuple(SHAPES) if j else PLAIN) for j in range(len(objectives))]
    groups, tasks = int(rng.integers(1, 4)), int(rng.integers(1, 7))
    gaps, missing = rng.choice([0, 0, 0.1], size=2)
    header = ["session", "step", "strategy", "model", "task", *objectives, "state"]
    rows: list[list[object]] = []
    first = int(rng.choice([0, 0, 1]))
    for i in range(n):
        length = int(rng.choice([1, 2, 3, 5, 8, 15], p=[0.05, 0.1, 0.15, 0.3, 0.3, 0.1]))
        paths = [scores(rng, shape, length) for shape in shapes]
        for t in range(length):
            if t and rng.random() < gaps:
                continue
            cells = [("" if rng.random() < missing else f"{path[t]:.6g}") for path in paths]
            state = f"s{int(rng.integers(1, 5))}" if rng.random() < 0.97 else ""
            rows.append([f"r{i}", t + first, f"k{i % groups}", f"m{i % 2}", f"t{i % tasks}", *cells, state])
    if rng.random() < 0.25:
        return _lineage(rng, header, rows)
    return header, rows


def _lineage(rng: Generator, header: list[str], rows: list[list[object]]) -> Table:
    """Add what was made from what, and what was kept: each step is made from an earlier one of its session."""
    seen: dict[object, list[object]] = {}
    made = []
    for row in rows:
        earlier = seen.setdefault(row[0], [])
        parent = earlier[int(rng.integers(max(0, len(earlier) - 2), len(earlier)))] if earlier else ""
        kept = "true" if not earlier or rng.random() < 0.6 else "false"
        earlier.append(row[1])
        made.append([*row, parent, kept])
    return [*header, "parent_step", "accepted"], made


def counted(rng: Generator) -> Table:
    """Return counted moves between a few states: sparse, one way, with idle states, in one group or several."""
    n, groups = int(rng.integers(2, 8)), int(rng.integers(1, 3))
    most = float(rng.choice([3, 30, 1000]))
    rows: list[list[object]] = []
    for g in range(groups):
        for a in range(n):
            for b in range(n):
                count = int(rng.poisson(rng.exponential(most)))
                if rng.random() < 0.6 and count:
                    rows.append([f"k{g}", f"s{a}", f"s{b}", count])
    return ["strategy", "state", "next_state", "count"], rows or [["k0", "s0", "s1", 3], ["k0", "s1", "s0", 2]]


def pool(rng: Generator) -> Table:
    """Return candidates of several tasks with verdicts of two oracles and scores of judges."""
    tasks, most = int(rng.choice([1, 3, 10, 40])), int(rng.choice([1, 3, 8]))
    share, error = float(rng.choice([0.0, 0.3, 0.5, 1.0], p=[0.1, 0.4, 0.4, 0.1])), float(rng.choice([0, 0.1, 0.4]))
    missing, digits = float(rng.choice([0, 0, 0.1])), int(rng.choice([0, 1, 4]))
    rows: list[list[object]] = []
    for i in range(tasks):
        hard = rng.normal()
        for j in range(int(rng.integers(1, most + 1))):
            good = rng.random() < share
            coarse = good if rng.random() >= error else not good
            truth = hard + good + 0.3 * rng.normal()
            judged = [round(float(truth + 0.5 * rng.normal()), digits) for _ in "ab"]
            cells = ["" if rng.random() < missing else cell for cell in (int(coarse), int(good), *judged)]
            rows.append([f"t{i}", j, f"m{i % 2}", *cells, round(float(truth), 4)])
    return ["task", "candidate", "model", "passed", "passed_fine", "judge_a", "judge_b", "quality"], rows


# ----------------------------------------------------------------------------------------------------- commands


def some(rng: Generator, share: float, *words: str) -> list[str]:
    """Return the words in a share of the cases, else nothing."""
    return list(words) if rng.random() < share else []


def one(rng: Generator, *words: object) -> str:
    """Return one of the words."""
    return str(words[int(rng.integers(len(words)))])


def common(rng: Generator) -> list[str]:
    """Return options that every command which reads knows."""
    return [
        *some(rng, 0.3, "--level", one(rng, 0.5, 0.8, 0.9, 0.99)),
        *some(rng, 0.3, "--seed", one(rng, 1, 7, 123456)),
        *some(rng, 0.15, "--where", one(rng, "model=m0", "model!=m1", "task!=t0")),
    ]


def analyze(rng: Generator) -> Case:
    """`loopstat analyze` of sessions."""
    table = sessions(rng)
    words = [
        *common(rng),
        *some(rng, 0.6, "--by", one(rng, "none", "strategy", "model", "strategy,model")),
        *some(rng, 0.2, "--minimize", "score0"),
        *some(rng, 0.2, "--objectives", "score0"),
        *some(rng, 0.15, "--from-step", one(rng, 1, 2)),
        *some(rng, 0.2, "--cluster", one(rng, "session", "task")),
        *_fitting(rng, table),
        *["--bootstrap", one(rng, 0, 20, 100)],
    ]
    return Case("analyze", ("analyze", "{table}", *words), table)


def _fitting(rng: Generator, table: Table) -> list[str]:
    """Return options of `analyze` that must suit the table: bounds that hold, a scale that is defined, an estimator."""
    header, rows = table
    at = header.index("score0")
    found = [float(str(row[at])) for row in rows if row[at] != ""] or [0.0, 1.0]
    low, high = min(found), max(found)
    if rng.random() < 0.1 and low > -1:
        return ["--transform", "score0=log1p"]
    if rng.random() < 0.3 and low < high:
        bounds = one(rng, f"score0={low:.6g}:{high:.6g}", f"score0={low:.6g}:", "-1e13:1e13")
        return ["--bounds", bounds, *some(rng, 0.3, "--stops-at-bounds")]
    estimators = ("pooled", "within", "instrument") if "accepted" in header else ("pooled", "within", "eiv", "latent")
    return some(rng, 0.4, "--estimator", one(rng, *estimators))


def decide(rng: Generator) -> Case:
    """`loopstat decide` of sessions with how they ended and what they cost."""
    header, rows = sessions(rng)
    ends = {row[0]: one(rng, "true", "false") for row in rows}
    table = [*header, "done", "tokens"], [[*row, ends[row[0]], int(rng.integers(0, 50))] for row in rows]
    words = [
        *common(rng),
        *some(rng, 0.5, "--by", one(rng, "none", "strategy", "model")),
        *some(rng, 0.2, "--minimize", "score0"),
        *_deciding(rng, table),
        *some(rng, 0.3, "--ended", "done"),
        *some(rng, 0.3, "--keep", one(rng, "last", "best")),
        *some(rng, 0.2, "--horizon", one(rng, 0, 3, 40)),
        *some(rng, 0.2, "--no-rules"),
        *some(rng, 0.3, "--target", f"score0={one(rng, 0, 1, 5)}"),
        *some(rng, 0.1, "--session", rows[0][0]),
        *some(rng, 0.3, "--save", "{out}/rule.json"),
        *some(rng, 0.2, "--cluster", one(rng, "session", "task")),
        *["--bootstrap", one(rng, 0, 50)],
    ]
    return Case("decide", ("decide", "{table}", *words), table)


def _deciding(rng: Generator, table: Table) -> list[str]:
    """Return options that say what counts and what a step costs."""
    header, rows = table
    several = "score1" in header
    counts = [
        some(rng, 0.5, "--objectives", "score0"),
        some(rng, float(several), "--weights", one(rng, "score0=1,score1=0.5", "score1=2")),
        ["--value", "score0", *some(rng, float(several), "--select", "score1")],
    ][int(rng.integers(3))]
    costs = [[], ["--price", one(rng, 0, 0.1, 5)], ["--cost", "tokens", "--worth", one(rng, 0.5, 100)]]
    words = [*counts, *costs[int(rng.integers(3))], *some(rng, 0.5, "--scorer-noise", "none")]
    at = header.index("score0")
    found = [float(str(row[at])) for row in rows if row[at] != ""] or [0.0, 1.0]
    low, high = min(found), max(found)
    if "--objectives" in words and low < high and rng.random() < 0.5:
        eps = (high - low) * float(one(rng, 0.05, 0.3))
        words += [
            "--bounds",
            f"score0={low - 1e-6 * abs(low):.9g}:{high + 1e-6 * abs(high):.9g}",
            "--guarantee",
            f"{eps:.6g}",
        ]
    return words


def balance(rng: Generator) -> Case:
    """`loopstat balance` of sessions or counted moves."""
    moves = rng.random() < 0.4
    table = counted(rng) if moves else sessions(rng)
    general = [
        *some(rng, 0.5, "--by", one(rng, "none", "strategy")),
        *some(rng, 0.2, "--kernel", one(rng, "exp", "softplus")),
        *some(rng, 0.3, "--test", one(rng, "exact", "chi-square", "bootstrap")),
        *some(rng, 0.2, "--beta", one(rng, 0.1, 5)),
        *some(rng, 0.1, "--size-draws", "5"),
        *["--bootstrap", one(rng, 19, 99)],
    ]
    if moves:
        more = some(rng, 0.3, "--visits", one(rng, "equal", 1000))
    else:
        more = [
            *common(rng),
            *some(rng, 0.5, "--state", one(rng, "bins:2", "bins:4", "kmeans:3", "text:state", "normal:state")),
            *some(rng, 0.2, "--lag", one(rng, 2, 3)),
            *some(rng, 0.2, "--features", one(rng, "text", "objectives")),
            *some(rng, 0.2, "--cluster", "task"),
        ]
    if "--features" in more:
        more += some(rng, 0.3, "--symbolic")
    return Case("balance", ("balance", "{table}", *general, *more), table)


def simulate(rng: Generator) -> Case:
    """`loopstat moves simulate` with settings inside their ranges."""
    words = [*_settings(rng), *some(rng, 0.1, "--sensitivity"), *some(rng, 0.2, "--save", "{out}/s.json")]
    return Case("moves simulate", ("moves", "simulate", *words), None)


@cache
def _known() -> dict[str, Any]:
    """Return what the command says of its settings: parameters, policies, presets, scenarios."""
    found: dict[str, Any] = json.loads(_invoked(["moves", "settings", "--json", "-"])[1])
    return found


def _settings(rng: Generator) -> list[str]:
    known = _known()
    row = [("--policy", one(rng, *known["policies"])), ("--preset", one(rng, *known["presets"]))]
    words = some(rng, 0.4, *row[int(rng.integers(2))])
    words += some(rng, 0.3, "--scenario", one(rng, *known["scenarios"]))
    own = [p for p in known["parameters"] if p["slider"]]
    for k in rng.choice(len(own), size=int(rng.integers(0, 4)), replace=False):
        p = own[int(k)]
        low, high = p["slider"]
        value = rng.choice([low, high, low + rng.random() * (high - low)])
        words += ["--set", f"{p['name']}={round(value) if p['whole'] else f'{value:.6g}'}"]
    if not any(word.startswith("candidates=") for word in words):
        words += some(rng, 0.5, "--candidates", one(rng, 1, 2, 8, 33))
    return [*words, "--max-moves", one(rng, 1, 5, 60), "--replicates", one(rng, 2, 20, 100)]


def plan(rng: Generator) -> Case:
    """`loopstat moves plan` over a small search."""
    goals = [("--budget", one(rng, 5, 50, 500)), ("--reliability", one(rng, 0.1, 0.5, 0.99))]
    words = [
        *goals[int(rng.integers(2))],
        "--no-frontier",
        "--search",
        "candidates=1,3",
        "--search",
        one(rng, "reviewers=0", "reviewers=0,2"),
    ]
    words += some(rng, 0.3, "--judge", "p_pass")
    return Case("moves plan", ("moves", "plan", *words, *_settings(rng)), None)


def calibrate(rng: Generator) -> Case:
    """`loopstat moves calibrate` of a pool."""
    words = [
        *common(rng)[:2],
        *some(rng, 0.8, "--coarse", "passed"),
        *some(rng, 0.5, "--fine", "passed_fine"),
        *some(rng, 0.5, "--judges", "judge_a,judge_b"),
        *some(rng, 0.4, "--truth", one(rng, "quality", "passed_fine")),
        *some(rng, 0.4, "--by", one(rng, "none", "model")),
        *some(rng, 0.3, "--out", "{out}/s.json"),
    ]
    return Case("moves calibrate", ("moves", "calibrate", "{table}", *words), pool(rng))


def settings(rng: Generator) -> Case:
    """`loopstat moves settings`."""
    del rng
    return Case("moves settings", ("moves", "settings"), None)


COMMANDS: tuple[tuple[Callable[[Generator], Case], float], ...] = (
    (analyze, 0.25),
    (decide, 0.2),
    (balance, 0.25),
    (simulate, 0.12),
    (plan, 0.02),
    (calibrate, 0.15),
    (settings, 0.01),
)


def case_of(seed: int, number: int) -> Case:
    """Return a case; the same for the same seed and number."""
    rng = np.random.default_rng([seed, number])
    made = COMMANDS[int(rng.choice(len(COMMANDS), p=[share for _, share in COMMANDS]))][0](rng)
    html = [] if made.command in ("moves settings", "moves calibrate") else some(rng, 0.3, "--html", "{out}/page.html")
    return Case(made.command, (*made.words, "--json", one(rng, "-", "{out}/o.json"), *html), made.table)


# ------------------------------------------------------------------------------------------------------ running


class TooSlowError(BaseException):
    """The limit is over; not an Exception, which a command might catch."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in the main thread after so many seconds of work, or four times as many on the clock.

    Work, not the clock: what else the machine does is no fault of a case.
    """

    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlowError

    kinds = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, 4 * seconds))
    before = [signal.signal(name, stop) for _, name, _ in kinds]
    for timer, _, after in kinds:
        signal.setitimer(timer, after)
    try:
        yield
    finally:
        for (timer, name, _), handler in zip(kinds, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(name, handler)


def written(case: Case, folder: Path) -> list[str]:
    """Write a case's table into a folder and return its words with the paths in place."""
    table = folder / "table.csv"
    if case.table is not None:
        with table.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([case.table[0], *case.table[1]])
    return [word.replace("{table}", str(table)).replace("{out}", str(folder)) for word in case.words]


@cache
def _compiled() -> None:
    """Simulate once: what is compiled on first use is not the time of a case."""
    _invoked(["moves", "simulate", "--replicates", "2", "--max-moves", "2"])


def run(number: int, *, seed: int, limit: float = LIMIT) -> Outcome:
    """Run one case in this process and say what became of it."""
    case = case_of(seed, number)
    if case.command.startswith("moves"):
        _compiled()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = written(case, folder)
        start = time.process_time()
        try:
            with limited(limit), warnings.catch_warnings(record=True) as leaked:
                warnings.simplefilter("always")
                code, out, err, error = _invoked(words)
        except TooSlowError:
            return Outcome(number, case.command, limit, -1, "slow", f"over {limit:g} s")
        seconds = time.process_time() - start
        failure, detail = _judged(code, (out, err), error, [str(w.message) for w in leaked])
        if not failure and code == 0:
            failure, detail = _strict(out if "-" in words else (folder / "o.json").read_text())
        return Outcome(number, case.command, seconds, code, failure, detail or err.strip()[:200])


def _invoked(words: Sequence[str]) -> tuple[int, str, str, BaseException | None]:
    from click.testing import CliRunner

    from loopstat.faces.cli import main

    result = CliRunner(env={"COLUMNS": "100"}).invoke(main, list(words), prog_name="loopstat")
    if isinstance(result.exception, TooSlowError):
        raise result.exception
    error = None if isinstance(result.exception, SystemExit) else result.exception
    return result.exit_code, result.stdout, result.stderr, error


def _judged(code: int, said: tuple[str, str], error: BaseException | None, leaked: Sequence[str]) -> tuple[str, str]:
    """Return (kind of failure, detail); the kind is empty where all is well."""
    if TooSlowError.__name__ in said[1]:  # raised where Python can only print it, in a callback
        return "slow", "over the limit"
    if error is not None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        ours = [f for f in traceback.extract_tb(error.__traceback__) if "loopstat" in f.filename] or [place]
        return "exception", f"{type(error).__name__}: {error} ({Path(ours[-1].filename).name}:{ours[-1].lineno})"
    if leaked:
        return "warning", leaked[0]
    if FOREIGN.search(said[1]):
        return "stderr", said[1].strip().splitlines()[-1]
    if code not in (0, REFUSED) or (code == REFUSED and not said[1].strip()):
        return "exit", f"exit {code}: {said[1].strip()[:200]}"
    return "", ""


def _strict(text: str) -> tuple[str, str]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as error:
        return "json", str(error)
    return "", ""


# ------------------------------------------------------------------------------------------------------- report


def outcomes(numbers: Sequence[int], *, seed: int, workers: int = 1) -> Iterator[Outcome]:
    """Run cases, in processes of their own where there are several workers."""
    step = partial(run, seed=seed)
    if workers == 1:
        yield from map(step, numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        yield from processes.map(step, numbers)


def again(seed: int, outcome: Outcome) -> str:
    """Return the command line that runs a case again."""
    return f"python -m benchmarks.fuzz --seed {seed} --case {outcome.number}"


def table_of(found: Sequence[Outcome]) -> str:
    """Return the table: cases, refusals and failures of each command, and its slowest case."""
    lines = [
        f"{'command':16}{'cases':>7}{'refused':>9}" + "".join(f"{kind:>11}" for kind in KINDS) + f"{'slowest':>12}"
    ]
    for command in [*sorted({o.command for o in found}), "all"]:
        mine = [o for o in found if command in (o.command, "all")]
        failed = Counter(o.failure for o in mine)
        refused = sum(o.code == REFUSED and not o.failure for o in mine)
        slowest = max(mine, key=lambda o: o.seconds)
        cells = "".join(f"{failed[kind]:>11}" for kind in KINDS)
        lines.append(f"{command:16}{len(mine):>7}{refused:>9}{cells}{slowest.seconds:>8.1f} s {slowest.number}")
    return "\n".join(lines)


def shown(seed: int, number: int, folder: Path) -> int:
    """Run one case aloud: its table stays in a folder, its traceback is printed."""
    folder.mkdir(parents=True, exist_ok=True)
    words = written(case_of(seed, number), folder)
    print("loopstat", *words)
    outcome = run(number, seed=seed)
    print(outcome)
    if outcome.failure == "exception":
        error = _invoked(words)[3]
        traceback.print_exception(error)
    return int(bool(outcome.failure))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for and print the table and the failures; 1 where there are any."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--case", type=int, help="only this one, aloud")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if asked.case is not None:
        return shown(asked.seed, asked.case, Path(tempfile.gettempdir()) / f"fuzz-{asked.seed}-{asked.case}")
    found: list[Outcome] = []
    for outcome in outcomes(range(asked.cases), seed=asked.seed, workers=asked.workers):
        found.append(outcome)
        if outcome.failure:
            print(f"{again(asked.seed, outcome)}  {outcome.command}: {outcome.failure}: {outcome.detail}", flush=True)
    print(table_of(found))
    said = [re.sub(r"\S*table.csv:? ?", "", o.detail) for o in found if o.code == REFUSED and not o.failure]
    refusals = Counter(re.sub(r"-?\d[\d.e+-]*", "N", words)[:110] for words in said)
    for words, n in refusals.most_common(8):
        print(f"  refused {n}: {words}")
    return int(any(o.failure for o in found))


if __name__ == "__main__":
    sys.exit(main())
