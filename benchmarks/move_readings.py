"""Read real recordings through the moves lens: its assumptions tested, its predictions checked on unseen tasks.

    python -m benchmarks.move_readings

prints docs/moves_readings.md and writes it. The recordings are not part of the package; where they are absent the page
is left as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from studies.assumptions import AssumptionTest, diminishing_returns_test, state_independence_test
from studies.move_prediction import Prediction, TaskSkill, predict_best_of, predict_tasks
from studies.pool_assumptions import (
    coarse_oracle_test,
    correlated_reviewers_test,
    deterministic_oracle_test,
    independent_candidates_test,
    order_statistics_test,
)
from studies.round_prediction import predict_rounds

from loopstat.errors import InputError, SettingsError
from loopstat.inference.estimate import Estimate, show
from loopstat.moves.calibrate.defect_masses import share_mass
from loopstat.moves.calibrate.progress import Progress, fit_progress

from .move_tables import DATA, Frame, array, debugged, log_loss, mutations, pool, table, votes

PAGE = Path("docs/moves_readings.md")
SPLITS = 20
LAWS = (("walk", "walk", None), ("candidates", "candidates", None), ("candidates, 2 rounds", "candidates", 2))
MODELS = ("gpt-4", "gpt-3.5-turbo", "codellama-34b-instruct")
Readings = Iterator[tuple[str, AssumptionTest]]

INTRO = """# What recordings say about the moves lens

*Do real loops behave as the moves lens assumes, and does it predict tasks it has not seen?* Made by
`python -m benchmarks.move_readings` from published recordings; intervals are 95 %, by task (by session for LLaMEA).

## In short

| | in short |
|---|---|
"""

ASSUMPTIONS = """
## The assumptions

| assumption | recording | measured | effect | p | holds | in words |
|---|---|---|---|---|---|---|
"""

PROGRESS = """
## Improvement against defects

A share f of passing tests counts as -ln f defects *as one test sees them*, at most 3.0 (10 tests) and 0 where all pass.
Optimisers are read as -ln of their score. All children made are on record, also the rejected ones; a debugging session
stops once its visible tests pass, and an optimiser's parent is the best so far, chosen by the same noisy score, so its
damage is an upper bound. A second oracle on the same program serves as instrument; "none" is an upper bound
throughout. A and C are those of the published b = 4 wherever b is not identifiable, as here everywhere.

| recording | second measurement | transitions | A | C | S | b | slope | mean gain |
|---|---|---|---|---|---|---|---|---|
"""

POOLS = """
## Predicted on the other half of the tasks

Half of the tasks calibrate, the other half is predicted; {splits} random halves. Root mean square error over them,
beside that of the training mean (which has seen every sample) and of a naive prediction: every task alike,
1 - (1 - p)^k. `inside` is the share of predictions whose 95 % interval holds what happened.

| pool | samples used | k | predicted | happened | error | training mean | naive | inside |
|---|---|---|---|---|---|---|---|---|
"""

TASKS = """
The same calibration tells single tasks apart from the first of their own samples; 1 is perfect, 0 no better than the
training mean.

| pool | own samples | best of | skill |
|---|---|---|---|
"""

ROUNDS = """
Debugging sessions (LDB on HumanEval) that failed at first, by round. `walk` calibrates improvement against defects
(one candidate per round, normal with mean m and spread s); `candidates` takes each round for one more candidate of the
same session, which passes with probability exp(-mu). `candidates, 2 rounds` has seen two rounds only. Naive: nothing
improves.

| oracle | law | round | predicted | happened | error | training mean | naive | inside |
|---|---|---|---|---|---|---|---|---|
"""


def assumptions() -> Readings:
    """Yield the recording and the test of every assumption."""
    yield from _diminishing()
    yield from _reviewers()
    yield from _pools()
    yield from _independence()
    yield from _oracle()


def _diminishing() -> Readings:
    ldb = debugged()
    yield "LDB, base tests; HumanEval+ as instrument", diminishing_returns_test(**_ldb(ldb, "plus"))
    yield "LDB, base tests; visible tests as instrument", diminishing_returns_test(**_ldb(ldb, "visible"))
    for model in ("gpt-4o", "gpt-3.5-turbo"):
        frame = mutations(model)
        yield f"LLaMEA {model}, other functions as instrument", diminishing_returns_test(**_llamea(frame))


def _reviewers() -> Readings:
    judges = table("judgebench/judgebench_candidates")
    scores = judges.select(judges.columns[-5:]).to_numpy()
    truth = array(judges, "correct")
    yield "JudgeBench, 5 reward models", correlated_reviewers_test(scores, truth, judges["task"])
    for step in (0, 1, 2):
        scores, frame = votes(step)
        truth = array(frame, "solvable")
        name = f"tree search, 3 votes of one model, step {step}"
        # whether the numbers left can make 24 is the whole question
        yield name, correlated_reviewers_test(scores, truth, frame["task"], complete=True)


def _pools() -> Readings:
    for strategy in ("io", "cot"):
        frame = pool("tot", strategy)
        for k in (2, 10, 50):
            yield f"Game of 24, {strategy}, pass", order_statistics_test(array(frame, "passed"), frame["task"], k)
        yield f"Game of 24, {strategy}, pass", independent_candidates_test(frame["passed"], frame["task"])
    for model in MODELS:
        frame = pool("humaneval", model)
        for k in (2, 5):
            test = order_statistics_test(array(frame, "plus_frac"), frame["task"], k)
            yield f"HumanEval {model}, share of tests", test
        yield f"HumanEval {model}, pass", independent_candidates_test(frame["base_pass"], frame["task"])


def _independence() -> Readings:
    frame = debugged().filter(pl.col("p2_base_frac").is_not_null())
    masses = [_share(frame, c) for c in ("p1_base_frac", "base_frac", "p2_base_frac")]
    for second in ("plus", "visible"):
        pair = (_share(frame, f"p1_{second}_frac"), _share(frame, f"p2_{second}_frac"))
        test = state_independence_test(*masses, instruments=pair, cluster=frame["task"])
        yield f"LDB, base tests; {second} as instrument", test
    for model in ("gpt-4o", "gpt-3.5-turbo"):
        frame = mutations(model).filter(pl.col("g_fitness").is_not_null())
        masses = [log_loss(frame, f"{p}aocc_lowcond") for p in ("p_", "", "g_")]
        pair = (log_loss(frame, "p_aocc_multi_weak"), log_loss(frame, "g_aocc_multi_weak"))
        test = state_independence_test(*masses, instruments=pair, cluster=frame["session"])
        yield f"LLaMEA {model}, other functions as instrument", test


def _oracle() -> Readings:
    for model in MODELS:
        frame = pool("humaneval", model)
        base, task, recorded = (
            frame["base_pass"].to_numpy(),
            frame["task"].to_numpy(),
            frame["recorded_pass"].to_numpy(),
        )
        # the share of the finer tests alone, so that nesting is seen and not assumed
        test = coarse_oracle_test(base, array(frame, "plus_frac") == 1, task)
        yield f"HumanEval {model}, base against plus", test
        yield (
            f"HumanEval {model}, copies of one program",
            deterministic_oracle_test(recorded, frame["artifact"].to_numpy(), task),
        )
        both, row = np.concatenate([recorded, base]), np.tile(np.arange(len(base)), 2)
        test = deterministic_oracle_test(both, row, np.tile(task, 2))
        yield f"HumanEval {model}, judged upstream and again", test


def _share(frame: Frame, column: str) -> Any:
    return share_mass(np.clip(array(frame, column), 0, 1))


def _ldb(frame: Frame, second: str | None) -> dict[str, Any]:
    """Return the arguments of a fit to debugging: base tests, and a second oracle as instrument."""
    out = {"mass": _share(frame, "p1_base_frac"), "next_mass": _share(frame, "base_frac"), "cluster": frame["task"]}
    if second:
        out |= {"instrument": _share(frame, f"p1_{second}_frac"), "next_instrument": _share(frame, f"{second}_frac")}
    return out


def _llamea(frame: Frame, second: bool = True) -> dict[str, Any]:
    out: dict[str, Any] = {"mass": log_loss(frame, "p_aocc_lowcond"), "next_mass": log_loss(frame, "aocc_lowcond")}
    out["cluster"] = frame["session"]
    if second:
        out |= {"instrument": log_loss(frame, "p_aocc_multi_weak")}
        out |= {"next_instrument": log_loss(frame, "aocc_multi_weak")}
    return out


def progress() -> Iterator[tuple[str, str, Progress]]:
    """Yield recording, second measurement and fit."""
    ldb = debugged()
    for second in (None, "plus", "visible"):
        yield "LDB, per round", second or "none", fit_progress(**_ldb(ldb, second))
    change = array(ldb, "line_change")
    yield "LDB, per share of lines changed", "plus", fit_progress(**_ldb(ldb, "plus"), radius=change)
    for model in ("gpt-4o", "gpt-3.5-turbo"):
        frame = mutations(model)
        for second in (False, True):
            name = "other functions" if second else "none"
            yield f"LLaMEA {model}, per move", name, fit_progress(**_llamea(frame, second))
        fit = fit_progress(**_llamea(frame), radius=array(frame, "line_change"))
        yield f"LLaMEA {model}, per share of lines changed", "other functions", fit


# ------------------------------------------------------------------------------ predictions


def best_of(splits: int) -> Iterator[tuple[str, int, list[Prediction]]]:
    """Yield pool, samples used, and the prediction of every split."""
    for strategy in ("io", "cot"):
        frame = pool("tot", strategy)
        for samples in (5, 20):
            yield (
                f"Game of 24, {strategy}",
                samples,
                _splits(
                    lambda rng, f=frame, s=samples: predict_best_of(
                        f["passed"], f["task"], (1, 5, 10, 50, 100), rng=rng, samples=s
                    ),
                    splits,
                ),
            )
    for model in MODELS:
        frame = pool("humaneval", model)
        yield (
            f"HumanEval {model}",
            2,
            _splits(lambda rng, f=frame: predict_best_of(f["base_pass"], f["task"], (1, 2, 5, 10), rng=rng), splits),
        )


def single_tasks() -> Iterator[tuple[str, int, int, TaskSkill]]:
    """Yield pool, samples of the task itself, k and skill."""
    for strategy in ("io", "cot"):
        frame = pool("tot", strategy)
        for known in (2, 10):
            rng = np.random.default_rng(0)
            skill = predict_tasks(frame["passed"], frame["task"], 10, rng=rng, known=known)
            yield f"Game of 24, {strategy}", known, 10, skill
    for model in MODELS:
        frame = pool("humaneval", model)
        for known in (1, 3):
            rng = np.random.default_rng(0)
            skill = predict_tasks(frame["base_pass"], frame["task"], 5, rng=rng, known=known)
            yield f"HumanEval {model}", known, 5, skill


def rounds(splits: int) -> Iterator[tuple[str, str, list[Prediction]]]:
    """Yield oracle, law and the prediction of every split."""
    frame = table("ldb_humaneval/ldb_humaneval").sort("session", "step")
    visible = np.where(array(frame, "visible_pass") > 0, 0.0, np.maximum(_share(frame, "visible_frac"), 1e-3))
    for oracle, mass in (("visible tests", visible), ("base tests", _share(frame, "base_frac"))):
        for name, law, seen in LAWS:
            yield (
                oracle,
                name,
                _splits(
                    lambda rng, m=mass, w=law, s=seen: predict_rounds(
                        m, frame["session"], frame["task"], 8, rng=rng, law=w, seen=s
                    ),
                    splits,
                ),
            )


def _splits(predict: Callable[..., Prediction], splits: int) -> list[Prediction]:
    return [predict(np.random.default_rng([17, k])) for k in range(splits)]


def _lines(head: str, found: list[Prediction], at: tuple[int, ...]) -> Iterator[str]:
    """One line per number of candidates (or round) in `at`."""
    parts = {
        name: np.array([getattr(p, name) for p in found]) for name in ("predicted", "happened", "trivial", "naive")
    }
    inside = np.mean([p.inside for p in found], axis=0)
    for j, value in enumerate(found[0].at):
        if value not in at:
            continue
        rms = [
            np.sqrt(np.mean((parts[n][:, j] - parts["happened"][:, j]) ** 2)) for n in ("predicted", "trivial", "naive")
        ]
        mean = [parts[n][:, j].mean() for n in ("predicted", "happened")]
        cells = [f"{value:.0f}", *(f"{v:.3f}" for v in (*mean, *rms)), f"{inside[j]:.2f}"]
        yield f"| {head} | {' | '.join(cells)} |"


# ------------------------------------------------------------------------------ the page


def page(splits: int) -> str:
    """Return the page as Markdown."""
    tested, pools, debugging = list(assumptions()), list(best_of(splits)), list(rounds(splits))
    out = [INTRO.rstrip("\n"), *_short(tested, pools, debugging), ASSUMPTIONS.rstrip("\n")]
    out += [_tested(name, test) for name, test in tested]
    out += [PROGRESS.rstrip("\n"), *(_fitted(*fitted) for fitted in progress())]
    out.append(POOLS.format(splits=splits).rstrip("\n"))
    for name, samples, found in pools:
        out += _lines(f"{name} | {samples}", found, (1, 2, 5, 10, 50, 100))
    out.append(TASKS.rstrip("\n"))
    out += [f"| {name} | {known} | {k} | {_words(task.skill)} |" for name, known, k, task in single_tasks()]
    out.append(ROUNDS.rstrip("\n"))
    for oracle, law, found in debugging:
        out += _lines(f"{oracle} | {law}", found, (1, 2, 4, 8))
    return "\n".join(out) + "\n"


def _short(tested: list[Any], pools: list[Any], debugging: list[Any]) -> Iterator[str]:
    """Count the verdicts, and average the errors."""
    for name in dict.fromkeys(t.assumption for _, t in tested):
        holds = [t.holds for _, t in tested if t.assumption == name]
        said = f"holds in {holds.count(True)}, fails in {holds.count(False)}, cannot tell in {holds.count(None)}"
        yield f"| {name} | {said} of {len(holds)} readings |"
    yield f"| best of k on unseen tasks | {_mean_errors([p for *_, found in pools for p in found])} |"
    for law in dict.fromkeys(law for _, law, _ in debugging):
        found = [p for _, name, some in debugging if name == law for p in some]
        yield f"| debugging round by round, {law} | {_mean_errors(found)} |"


def _mean_errors(found: list[Prediction]) -> str:
    rms = [
        float(np.sqrt(np.mean(np.concatenate([(getattr(p, name) - p.happened) ** 2 for p in found]))))
        for name in ("predicted", "trivial", "naive")
    ]
    inside = float(np.mean(np.concatenate([p.inside for p in found])))
    return f"error {rms[0]:.3f}; training mean {rms[1]:.3f}; naive {rms[2]:.3f}; inside its 95 % interval {inside:.0%}"


def _tested(name: str, t: AssumptionTest) -> str:
    p = "<1e-4" if t.p_value < 1e-4 else f"{t.p_value:.2g}"
    holds = {True: "yes", False: "no", None: "cannot tell"}[t.holds]
    return f"| {t.assumption} | {name} | {t.measures} | {_words(t.effect)} | {p} | {holds} | {t.verdict} |"


def _fitted(name: str, second: str, fit: Progress) -> str:
    b = f"{fit.b.value:.2g} in " if fit.identified else ""
    b += "none fits" if np.isnan(fit.b.low) else f"[{fit.b.low:.2g}, {fit.b.high:.2g}]".replace("inf", "∞")
    three, two = (fit.aim, fit.damage, fit.spread), (fit.slope, fit.at_mean)
    cells = [name, second, str(fit.n_transitions), *map(_words, three), b, *map(_words, two)]
    return f"| {' | '.join(cells)} |"


def _words(e: Estimate) -> str:
    return show(float(e.value), float(e.low), float(e.high))


def main() -> None:
    """Print the page and write it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--splits", type=int, default=SPLITS)
    options.add_argument("--print", action="store_true", help="print only")
    given = options.parse_args()
    try:
        text = page(given.splits)
    except (FileNotFoundError, InputError) as missing:
        print(f"recordings are not at {DATA}: {missing}. Nothing written.", file=sys.stderr)
        return
    except SettingsError as wrong:
        raise SystemExit(str(wrong)) from None
    print(text)
    if not given.print:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
