"""Make logs with the real packages, offline, no model: `python -m benchmarks.make_logs inspect gepa --to DIR`.

Each package is wanted in an environment of its own; a scripted model or a random walk stands in for what would cost
money. The logs in `tests/io/logs` that no tool's own repository holds were made by this.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

SEED = 7
ATTEMPTS = 6


def dice(seed: int) -> random.Random:
    """Return a source of random numbers."""
    return random.Random(seed)  # noqa: S311 - no secret is made of them


def walk(rng: random.Random, n: int = ATTEMPTS, start: float = 0.2) -> list[float]:
    """Return scores between 0 and 1 that rise and level off, with noise."""
    found, x = [], start + 0.2 * rng.random()
    for _ in range(n):
        found.append(round(min(max(x + 0.08 * rng.gauss(0, 1), 0.0), 1.0), 3))
        x += 0.35 * (0.85 - x)
    return found


def inspect(folder: Path) -> None:
    """Write .eval and .json logs of a solver that is scored after every answer."""
    import inspect_ai
    from inspect_ai.dataset import Sample
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, mean, score, scorer
    from inspect_ai.solver import Generate, TaskState, solver

    rng = dice(SEED)
    scores = {f"s{i}": walk(rng) for i in range(8)}

    @scorer(metrics=[mean()])
    def quality() -> Any:
        async def judge(state: TaskState, target: Any) -> Score:
            return Score(value=float(state.output.completion.split()[-1]), answer=state.output.completion)

        return judge

    @solver
    def refine() -> Any:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            for value in scores[str(state.sample_id)]:
                output = ModelOutput.from_content("mockllm/model", f"attempt scored {value}")
                output.usage = ModelUsage(input_tokens=100, output_tokens=20, total_tokens=120)
                state.output = await get_model("mockllm/model", custom_outputs=[output]).generate(state.messages)
                state.messages.append(state.output.message)
                await score(state)
            return state

        return solve

    task = inspect_ai.Task(
        dataset=[Sample(id=name, input=f"Improve {name}.", target="") for name in scores],
        solver=refine(),
        scorer=quality(),
        name="refine",
    )
    for form in ("eval", "json"):
        [log] = inspect_ai.eval(task, model="mockllm/model", log_dir=str(folder), log_format=form, display="none")
        Path(log.location.removeprefix("file://")).rename(folder / f"refine.{form}")
    began = read_eval_log(str(folder / "refine.eval"))
    began.status = "started"
    write_eval_log(began, str(folder / "started.json"))


def gepa(folder: Path) -> None:
    """Write run folders of GEPA: proposals, accepted and rejected, with their scores on minibatches."""
    import gepa as package
    from gepa import EvaluationBatch

    class Adapter:
        """Scores a prompt by a number in it; proposes the next by a random walk."""

        def __init__(self, seed: int) -> None:
            self.rng = dice(seed)

        def evaluate(self, batch: Sequence[Any], candidate: Mapping[str, str], capture_traces: bool = False) -> Any:
            level = float(candidate["prompt"].split()[-1])
            scores = [max(0.0, min(1.0, level - 0.3 * item / 6 + 0.05)) for item in batch]
            traces = [{"item": item} for item in batch] if capture_traces else None
            return EvaluationBatch(outputs=[level for _ in batch], scores=scores, trajectories=traces)

        def make_reflective_dataset(self, candidate: Any, batch: Any, components: Any) -> dict[str, Any]:
            return {name: [{"Feedback": "better"}] for name in components}

        def propose_new_texts(self, candidate: Mapping[str, str], dataset: Any, components: Any) -> dict[str, str]:
            level = float(candidate["prompt"].split()[-1])
            return {"prompt": f"level {min(max(level + self.rng.gauss(0.02, 0.08), 0), 1):.4f}"}

    for seed in range(6):
        run = folder / f"run{seed}"
        result = package.optimize(
            seed_candidate={"prompt": f"level {0.3 + 0.05 * seed:.4f}"},
            trainset=list(range(6)),
            valset=list(range(4)),
            adapter=Adapter(seed),
            reflection_lm=lambda _: "",
            max_metric_calls=150,
            run_dir=str(run),
            seed=seed,
        )
        for extra in [p for p in run.rglob("*") if p.is_file() and p.name not in ("run_log.json", "candidates.json")]:
            extra.unlink()
        (folder / f"result{seed}.json").write_text(json.dumps(result.to_dict(), indent=1))


def openevolve(folder: Path) -> None:
    """Write traces and checkpoints of OpenEvolve, its own tracer and database fed by a random walk."""
    from openevolve.config import DatabaseConfig
    from openevolve.database import Program, ProgramDatabase
    from openevolve.evolution_trace import EvolutionTracer

    logging.disable(logging.INFO)
    for seed in range(3):
        rng = dice(seed)
        run = folder / f"run{seed}"
        config = DatabaseConfig(population_size=12, archive_size=6, num_islands=2, random_seed=seed)
        database = ProgramDatabase(config)
        tracer = EvolutionTracer(str(run / "evolution_trace.jsonl"), include_code=True, include_prompts=False)

        def program(score: float, parent: Any, iteration: int, rng: random.Random = rng) -> Any:
            name = str(uuid.UUID(int=rng.getrandbits(128)))
            generation = 0 if parent is None else parent.generation + 1
            metrics = {"combined_score": round(score, 4), "speed": round(score * (0.8 + 0.2 * rng.random()), 4)}
            above = None if parent is None else parent.id
            code = f"x = {score:.3f}\n" * (iteration % 5 + 1)
            return Program(
                name, code, parent_id=above, generation=generation, iteration_found=iteration, metrics=metrics
            )

        first = program(0.2 + 0.1 * rng.random(), None, 0)
        database.add(first, iteration=0)
        for iteration in range(1, 41):
            if rng.random() < 0.1:
                continue  # an edit that could not be applied leaves no trace
            island = iteration % 2
            parent, _ = database.sample_from_island(island, 1)
            reached = parent.metrics["combined_score"]
            child = program(reached + 0.15 * (0.9 - reached) + rng.gauss(0, 0.1), parent, iteration)
            database.add(child, iteration=iteration, target_island=island)
            tracer.log_trace(iteration, parent, child, island_id=island)
            if iteration in (20, 40):
                database.save(str(run / "checkpoints" / f"checkpoint_{iteration}"), iteration)
        tracer.close()


def mini(folder: Path) -> None:
    """Write a trajectory of mini-swe-agent with a scripted model."""
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.local import LocalEnvironment
    from minisweagent.models.test_models import DeterministicModel, make_output

    lines = ["ls", "cat README.md", "grep -rn x .", "sed -i s/x/y/ a.py", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"]
    outputs = [make_output(f"I run `{line}`.", [{"command": line}], cost=0.01) for line in lines]
    model = DeterministicModel(outputs=outputs)
    templates = {"system_template": "You repair code.", "instance_template": "Task: {{task}}"}
    agent = DefaultAgent(model, LocalEnvironment(cwd=str(folder)), **templates, output_path=folder / "mini.traj.json")
    agent.run("repair a.py")


def otel(folder: Path) -> None:
    """Write spans of GenAI calls as OTLP JSON, with evaluations as events."""
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("loop")
    rng = dice(SEED)
    for k in range(8):
        with tracer.start_as_current_span("invoke_agent refiner") as agent:
            agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": f"c{k}"})
            for value in walk(rng):
                with tracer.start_as_current_span("chat scripted") as span:
                    span.set_attributes(
                        {
                            "gen_ai.operation.name": "chat",
                            "gen_ai.provider.name": "scripted",
                            "gen_ai.conversation.id": f"c{k}",
                            "gen_ai.request.model": "scripted-1",
                            "gen_ai.usage.input_tokens": 100,
                            "gen_ai.usage.output_tokens": 20,
                        }
                    )
                    named = {"gen_ai.evaluation.name": "quality", "gen_ai.evaluation.score.value": value}
                    span.add_event("gen_ai.evaluation.result", named)
    spans = MessageToDict(encode_spans(kept.get_finished_spans()))
    for resource in spans["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                _hex(span)
    (folder / "spans.json").write_text(json.dumps(spans, indent=1))


def _hex(span: dict[str, Any]) -> None:
    """Turn ids into hexadecimal, as OTLP's JSON has them and protobuf's does not."""
    import base64

    for name in ("traceId", "spanId", "parentSpanId"):
        if name in span:
            span[name] = base64.b64decode(span[name]).hex()


def optuna(folder: Path) -> None:
    """Write studies of Optuna: SQLite, with pruned and failed trials."""
    import optuna as package

    package.logging.set_verbosity(package.logging.WARNING)
    for k in range(5):
        storage = f"sqlite:///{folder / 'studies.db'}"
        sampler = package.samplers.TPESampler(seed=k)
        study = package.create_study(study_name=f"study{k}", storage=storage, sampler=sampler, direction="maximize")

        def objective(trial: Any, k: int = k) -> float:
            x = trial.suggest_float("x", -3, 3)
            if trial.number % 9 == 7:
                raise package.TrialPruned()
            return math.exp(-((x - 0.5 * k) ** 2))

        study.optimize(objective, n_trials=15)


def mlflow(folder: Path) -> None:
    """Write traces of MLflow with feedback, a line each."""
    import mlflow as package

    package.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    rng = dice(SEED)
    lines = []
    for k in range(6):
        for value in walk(rng, 4):
            with package.start_span("attempt", span_type="CHAT_MODEL") as span:
                package.update_current_trace(metadata={"mlflow.trace.session": f"s{k}"})
                span.set_attributes({"mlflow.chat.tokenUsage": {"input_tokens": 100, "output_tokens": 20}})
                span.set_outputs(f"scored {value}")
            package.flush_trace_async_logging()
            package.log_feedback(trace_id=span.trace_id, name="quality", value=value)
            lines.append(package.get_trace(span.trace_id).to_json())
    (folder / "traces.jsonl").write_text("\n".join(lines) + "\n")


def shinka(folder: Path) -> None:
    """Write a run of ShinkaEvolve: its own database fed by a random walk."""
    from shinka.database.dbase import DatabaseConfig, Program, ProgramDatabase

    rng = dice(SEED)
    database = ProgramDatabase(DatabaseConfig(db_path=str(folder / "programs.sqlite"), num_islands=2, archive_size=6))
    made: list[Any] = []
    for generation in range(25):
        parent = rng.choice(made[-6:]) if made else None
        reached = 0.3 if parent is None else parent.combined_score
        score = round(reached + 0.15 * (0.9 - reached) + rng.gauss(0, 0.08), 4)
        name = str(uuid.UUID(int=rng.getrandbits(128)))
        program = Program(
            name, f"x = {score}\n", generation=generation, combined_score=score, correct=rng.random() > 0.2
        )
        program.parent_id = None if parent is None else parent.id
        program.public_metrics = {"speed": round(score * 0.9, 4)}
        database.add(program)
        made.append(program)
        if rng.random() < 0.15:
            database.record_attempt_event(generation, "patch", "failed", {"node_kind": "failed_proposal"})
    database.close()


MAKERS: dict[str, Callable[[Path], None]] = {
    f.__name__: f for f in (inspect, gepa, openevolve, mini, otel, optuna, mlflow, shinka)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", nargs="+", choices=list(MAKERS))
    parser.add_argument("--to", type=Path, default=Path("logs"))
    asked = parser.parse_args()
    for tool in asked.tools:
        made = asked.to / tool
        made.mkdir(parents=True, exist_ok=True)
        MAKERS[tool](made.resolve())
        print(f"{tool}: {sum(1 for p in made.rglob('*') if p.is_file())} files in {made}")
