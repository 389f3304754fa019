"""Inspect AI: attempts at a sample that are recorded and end when the rule says so, and epochs that are left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .plain import Recorded


def attempts(inner: Any, directory: str | os.PathLike[str], *, most: int = 10, **session: Any) -> Any:
    """Return a solver that tries again until the rule says stop.

    A session is a sample in an epoch, a step one run of the inner solver, scored by the scorers of the task as Inspect
    scores in between. Its text is the completion; scores are numbers, C, P, I and N as Inspect turns them into such.

    Parameters
    ----------
    inner : solver
        Makes one attempt, given the state that the one before left.
    directory : path
    most : int
        Attempts at most, with or without a rule.
    **session
        What `loopstat.Session` takes: `rule`, labels.
    """
    from inspect_ai.scorer import score
    from inspect_ai.solver import solver

    def recorded() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            told = {"task": str(state.sample_id), "model": str(state.model), "epoch": state.epoch, **session}
            with Recorded(directory, **told) as loop:
                for _ in range(most):
                    state = await inner(state, generate)
                    found = await score(state)
                    names = ["score"] if len(found) == 1 else [f"score_{k}" for k in range(len(found))]
                    pairs = zip(names, found, strict=True)
                    scores = {key: value for name, one in pairs for key, value in _named(one, name).items()}
                    usage = getattr(state.output, "usage", None)
                    loop.record(
                        scores,
                        text=state.output.completion,
                        tokens_in=getattr(usage, "input_tokens", None),
                        tokens_out=getattr(usage, "output_tokens", None),
                    )
                    if loop.stops():
                        break
                else:
                    loop.session.end("budget", f"{most} attempts")
            return state

        return solve

    return solver(name="attempts")(recorded)()


class EpochStopping:
    """Inspect's early stopping, `Task(..., epochs=N, early_stopping=...)`: leaves epochs out when the rule says stop.

    A session is a sample, a step an epoch of it, in the order in which they end. Epochs that have begun already are not
    ended; `max_samples` says how many run at once.

    Parameters
    ----------
    directory : path
    **session
        What `loopstat.Session` takes: `rule`, labels.
    """

    def __init__(self, directory: str | os.PathLike[str], **session: Any) -> None:
        self._directory, self._told = directory, session
        self._loops: dict[str, Recorded] = {}
        self._task, self._model = "", ""
        self._left_out = 0

    async def start_task(self, task: Any, samples: Any, epochs: int) -> str:
        """Hear which task begins, and return the name of whoever stops it."""
        del samples, epochs
        self._task, self._model = str(task.task), str(task.model)
        return "loopstat"

    async def schedule_sample(self, id: str | int, epoch: int) -> Any:
        """Return the order to leave an epoch out, or None."""
        from inspect_ai.util import EarlyStop

        loop = self._loops.get(str(id))
        if loop is None or not loop.stops():
            return None
        self._left_out += 1
        return EarlyStop(id=id, epoch=epoch, reason=loop.session.advise().why)

    async def complete_sample(self, id: str | int, epoch: int, scores: Mapping[str, Any]) -> None:
        """Record an epoch that was scored."""
        name = str(id)
        if name not in self._loops:
            told = {"task": f"{self._task}: {name}", "model": self._model, **self._told}
            self._loops[name] = Recorded(self._directory, **told)
        found = {key: value for given, one in scores.items() for key, value in _named(one.score, given).items()}
        answer = next((one.score.answer for one in scores.values() if one.score.answer), None)
        self._loops[name].record(found, text=answer, epoch=epoch)

    async def complete_task(self) -> dict[str, Any]:
        """End the sessions."""
        for loop in self._loops.values():
            loop.session.end(None if loop.stops() else "budget")
        return {"sessions": len(self._loops), "left_out": self._left_out}


def _named(score: Any, name: str) -> dict[str, float | None]:
    """Return a score of Inspect as numbers by name; None where it is none."""
    from inspect_ai.scorer import value_to_float

    read = value_to_float()
    value = score.value
    if isinstance(value, Mapping):
        return {f"{name}_{key}": float(read(part)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return {f"{name}_{k}": float(read(part)) for k, part in enumerate(value)}
    return {name: float(read(value))}
