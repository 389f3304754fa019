"""Optuna: every trial a step, and a rule that stops the study.

A callback of `study.optimize`, not a terminator of `optuna.terminator`: that module goes away with Optuna 6.
"""

from __future__ import annotations

import json
from typing import Any

from .plain import Recorded

COMPLETE = "COMPLETE"


class OptunaCallback(Recorded):
    """A callback of `study.optimize` that records trials and stops the study when the rule says so.

    A step is a trial, in the order in which trials end; failed and pruned ones are steps without a score. Its score is
    `value`, or the study's metric names, or `value_0`, `value_1`, ... where it has several objectives. Parameters are
    its text, as JSON, and labels `param_NAME`. Tune the rule with `--keep best`: a study hands over its best trial.

    Parameters
    ----------
    directory : path
    **session
        What `loopstat.Session` takes.
    """

    otherwise = "budget"

    def __call__(self, study: Any, trial: Any) -> None:
        """Record a trial that ended, and stop the study where the rule says so."""
        values = trial.values if trial.state.name == COMPLETE else None
        self.record(
            None if values is None else dict(zip(_names(study, len(values)), values, strict=True)),
            text=json.dumps(trial.params, default=str, sort_keys=True),
            trial=trial.number,
            trial_state=trial.state.name.lower(),
            time=None if trial.duration is None else trial.duration.total_seconds(),
            **{f"param_{name}": _plain(value) for name, value in trial.params.items()},
        )
        if self.stops():
            study.stop()


def _names(study: Any, n: int) -> list[str]:
    named = getattr(study, "metric_names", None)
    if named:
        return list(named)
    return ["value"] if n == 1 else [f"value_{k}" for k in range(n)]


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
