"""Measure importers: `python -m benchmarks.importers` prints the table of docs/import.md.

Logs of some 20 MB are made of those in `tests/io/logs` by repeating their samples, programs or spans under new names,
and read three times by loopstat, by the tool's own reader where it is installed, and by `json.load` where the log is
JSON; the least time counts. Scores and tokens are compared with those of the tool's own reader. Megabytes are those
of the JSON before it was packed, of databases those of the file.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LOGS = Path(__file__).parents[1] / "tests" / "io" / "logs"
REPEATS, WANTED = 3, 20_000_000
Facts = tuple[int, float, float]  # rows with a score, the sum of scores, the sum of tokens in


@dataclass(frozen=True)
class Case:
    """A format: how a large log is made, and what reads it beside us."""

    name: str
    make: Callable[[Path], tuple[Path, int]]
    own: Callable[[Path], Facts] | None = None
    plain: bool = True  # json.load reads it


def main() -> None:
    """Print the table."""
    from loopstat.io.importers.registry import recognised

    print("| format | log | MB | loopstat | its own reader | `json.load` | same scores and tokens |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        if len(sys.argv) > 1 and case.name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path, size = case.make(Path(folder))
            log = recognised(path)
            if log is None:
                raise SystemExit(f"{case.name}: not recognised")
            ours = [_timed(lambda path=path, log=log: log.read(path, _asked(), None)) for _ in range(REPEATS)]
            seconds, found = min(s for s, _ in ours), ours[-1][1]
            own, same = "-", "-"
            try:
                theirs = [] if case.own is None else [_timed(lambda p=path, c=case: c.own(p)) for _ in range(REPEATS)]
            except ImportError:
                theirs = []
            if theirs:
                own = _speed(size, min(s for s, _ in theirs))
                same = "yes" if np.allclose(theirs[-1][1], _facts(found)) else f"no: {theirs[-1][1]}, {_facts(found)}"
            plain = "-"
            if case.plain:
                plain = _speed(size, min(_timed(lambda p=path: _loaded(p))[0] for _ in range(REPEATS)))
            about = f"{found.n_rows:,} steps"
            print(f"| {case.name} | {about} | {size / 1e6:.0f} | {_speed(size, seconds)} | {own} | {plain} | {same} |")


def _asked() -> Any:
    from loopstat.io.importers.log import Asked

    return Asked()


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def _speed(size: int, seconds: float) -> str:
    return f"{size / 1e6 / seconds:.0f} MB/s"


def _facts(found: Any) -> Facts:
    """Return what is compared, of the first score."""
    scores = found.columns[found.scores[0]] if found.scores else np.array([])
    tokens = found.columns.get("tokens_in", np.array([0.0]))
    return int(np.sum(~np.isnan(scores))), float(np.nansum(scores)), float(np.nansum(tokens))


def _loaded(path: Path) -> None:
    """Read all JSON of a log with the standard library, and nothing else."""
    for file in sorted(path.rglob("*.json*")) if path.is_dir() else [path]:
        with file.open() as stream:
            if file.suffix == ".jsonl":
                for line in stream:
                    json.loads(line)
            else:
                json.load(stream)


# ------------------------------------------------------------------------------------------------ Inspect


def _samples() -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    from loopstat.io.importers.archive import archive

    with archive(LOGS / "inspect" / "refine.eval") as found:
        names = sorted(n for n in found.names if n.startswith("samples/"))
        rest = {n: found.data(n) for n in ("header.json", "_journal/start.json")}
        return rest, [found.json(n) for n in names]


def _many(samples: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    size = sum(len(json.dumps(s)) for s in samples)
    for k in range(WANTED // size):
        for sample in samples:
            yield {**sample, "id": f"{sample['id']}-{k}", "uuid": f"{sample['uuid']}{k}"}


def inspect_eval(folder: Path) -> tuple[Path, int]:
    """Make an .eval archive."""
    head, samples = _samples()
    size, path = 0, folder / "large.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        summaries = []
        for sample in _many(samples):
            data = json.dumps(sample).encode()
            size += len(data)
            zipped.writestr(f"samples/{sample['id']}_epoch_1.json", data)
            summaries.append({k: sample[k] for k in ("id", "epoch", "input", "target", "scores", "uuid")})
        zipped.writestr("summaries.json", json.dumps(summaries))
        for name, data in head.items():
            zipped.writestr(name, data)
    return path, size


def inspect_json(folder: Path) -> tuple[Path, int]:
    """Make a .json log."""
    head, samples = _samples()
    path = folder / "large.json"
    path.write_text(json.dumps({**json.loads(head["header.json"]), "samples": list(_many(samples))}))
    return path, path.stat().st_size


def own_inspect(path: Path) -> Facts:
    """Read a log as Inspect does."""
    from inspect_ai.log import read_eval_log

    scores, tokens = [], 0
    for sample in read_eval_log(str(path)).samples or []:
        scores += [e.score.as_float() for e in sample.events if e.event == "score" and e.intermediate]
        tokens += sum(u.input_tokens for u in sample.model_usage.values())
    return len(scores), sum(scores), tokens


# ------------------------------------------------------------------------------------------------ evolution


def openevolve_trace(folder: Path) -> tuple[Path, int]:
    """Make a trace of many iterations, with prompts as long as real ones."""
    lines = [json.loads(line) for line in (LOGS / "openevolve/run1/evolution_trace.jsonl").read_text().splitlines()]
    path, size = folder / "evolution_trace.jsonl", 0
    with path.open("w") as stream:
        for k in range(WANTED // (4000 * len(lines))):
            for line in lines:
                row = {**line, "iteration": line["iteration"] + 41 * k, "prompt": {"user": "x " * 1500}}
                row |= {name: f"{line[name]}-{k}" for name in ("parent_id", "child_id")}
                size += stream.write(json.dumps(row) + "\n")
    return path, size


def own_trace(path: Path) -> Facts:
    """Read a trace as OpenEvolve does."""
    from openevolve.utils.trace_export_utils import load_traces

    found = load_traces(path, format="jsonl")
    seen: dict[str, float] = {}
    for trace in found:
        seen.setdefault(trace["parent_id"], trace["parent_metrics"]["combined_score"])
        seen[trace["child_id"]] = trace["child_metrics"]["combined_score"]
    return len(seen), sum(seen.values()), 0


def gepa_run(folder: Path) -> tuple[Path, int]:
    """Make a log of many proposals."""
    log = json.loads((LOGS / "gepa/run0/run_log.json").read_text())
    whole: list[Any] = []
    for k in range(WANTED // len(json.dumps(log))):
        for entry in log:
            row = copy.deepcopy(entry) | {"i": len(whole)}
            for task in row["tasks"]:
                task["parent_idx"] += 10 * k
            if "new_program_idx" in row:
                row["new_program_idx"] += 10 * k
                row["new_program_indices"] = [row["new_program_idx"]]
            whole.append(row)
    run = folder / "run"
    run.mkdir()
    (run / "run_log.json").write_text(json.dumps(whole))
    return run, (run / "run_log.json").stat().st_size


# ------------------------------------------------------------------------------------------------ others


def otel_spans(folder: Path) -> tuple[Path, int]:
    """Make OTLP JSON lines."""
    whole = json.loads((LOGS / "otel/spans.json").read_text())
    text, path = json.dumps(whole), folder / "spans.jsonl"
    with path.open("w") as stream:
        for k in range(WANTED // len(text)):
            line = text
            for c in range(8):
                line = line.replace(f'"c{c}"', f'"c{c}-{k}"')
            stream.write(line + "\n")
    return path, path.stat().st_size


def mlflow_traces(folder: Path) -> tuple[Path, int]:
    """Make a file of traces, a line each."""
    lines = (LOGS / "mlflow/traces.jsonl").read_text().splitlines()
    path = folder / "traces.jsonl"
    with path.open("w") as stream:
        for k in range(WANTED // sum(map(len, lines))):
            for line in lines:
                stream.write(line.replace('session": "s', f'session": "s{k}-') + "\n")
    return path, path.stat().st_size


def own_mlflow(path: Path) -> Facts:
    """Read traces as MLflow does."""
    from mlflow.entities import Trace

    scores, tokens = [], 0
    with path.open() as stream:
        for line in stream:
            trace = Trace.from_json(line)
            scores += [a.feedback.value for a in trace.info.assessments]
            tokens += (trace.info.token_usage or {}).get("input_tokens", 0)
    return len(scores), sum(scores), tokens


def promptfoo_results(folder: Path) -> tuple[Path, int]:
    """Make results of many tests."""
    data = json.loads((LOGS / "promptfoo/results.json").read_text())
    rows = data["results"]["results"]
    times = WANTED // len(json.dumps(rows))
    data["results"]["results"] = [{**r, "testIdx": r["testIdx"] + 4 * k} for k in range(times) for r in rows]
    path = folder / "results.json"
    path.write_text(json.dumps(data))
    return path, path.stat().st_size


def optuna_studies(folder: Path) -> tuple[Path, int]:
    """Make a storage of many trials."""
    path = folder / "studies.db"
    path.write_bytes((LOGS / "optuna/studies.db").read_bytes())
    with sqlite3.connect(path) as con:
        for k in range(1, 201):
            trials = "trial_id + ?, number + ?, study_id, state, datetime_start, datetime_complete"
            con.execute(f"INSERT INTO trials SELECT {trials} FROM trials WHERE trial_id <= 75", (75 * k, 15 * k))  # noqa: S608
            con.execute(
                "INSERT INTO trial_values SELECT trial_value_id + ?, trial_id + ?, objective, value, value_type "
                "FROM trial_values WHERE trial_id <= 75",
                (75 * k, 75 * k),
            )
            con.execute(
                "INSERT INTO trial_params SELECT param_id + ?, trial_id + ?, param_name, param_value, "
                "distribution_json FROM trial_params WHERE trial_id <= 75",
                (75 * k, 75 * k),
            )
    return path, path.stat().st_size


def own_optuna(path: Path) -> Facts:
    """Read a storage as Optuna does."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{path}"
    values = [
        trial.value
        for name in optuna.get_all_study_names(storage)
        for trial in optuna.load_study(study_name=name, storage=storage).trials
        if trial.value is not None
    ]
    return len(values), sum(values), 0


def trajectory(folder: Path) -> tuple[Path, int]:
    """Make a long trajectory of SWE-agent."""
    data = json.loads((LOGS / "swe/humanevalfix-python-0.traj").read_text())
    data["trajectory"] = data["trajectory"] * (WANTED // len(json.dumps(data["trajectory"])))
    path = folder / "long.traj"
    path.write_text(json.dumps(data))
    return path, path.stat().st_size


CASES = (
    Case("inspect (.eval)", inspect_eval, own_inspect, plain=False),
    Case("inspect (.json)", inspect_json, own_inspect),
    Case("openevolve", openevolve_trace, own_trace),
    Case("gepa", gepa_run),
    Case("swe-agent", trajectory),
    Case("otel", otel_spans),
    Case("mlflow", mlflow_traces, own_mlflow),
    Case("promptfoo", promptfoo_results),
    Case("optuna", optuna_studies, own_optuna, plain=False),
)

if __name__ == "__main__":
    main()
