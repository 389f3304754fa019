"""OpenEvolve: every program that reaches the database a step, also one it does not admit, and a rule that stops."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..record.session import Step
from .plain import Recorded


class OpenEvolveRecorder(Recorded):
    """Follows an `OpenEvolve` controller from before its `run`.

    A step is a program that was made and evaluated, with its metrics as scores, its code as text, its parent, and
    whether the database admitted it. Edits that could not be applied never reach the database and are not seen here.
    When the rule says stop the controller is asked to shut down, as by Ctrl-C.

    Parameters
    ----------
    controller : openevolve.OpenEvolve
    directory : path
    **session
        What `loopstat.Session` takes: `task`, `model`, `rule`, labels.
    """

    otherwise = "budget"

    def __init__(self, controller: Any, directory: str | os.PathLike[str], **session: Any) -> None:
        super().__init__(directory, **session)
        self._controller = controller
        self._steps: dict[str, Step] = {}
        self._add = controller.database.add
        controller.database.add = self._added

    def _added(self, program: Any, *given: Any, **more: Any) -> Any:
        """Let the database take a program, and record it."""
        admitted = self._add(program, *given, **more)
        if program.id in self._steps:  # a copy that migrated, or one that was there
            return admitted
        parent = self._steps.get(program.parent_id or "")
        metadata: Mapping[str, Any] = program.metadata or {}
        scores = {name: value for name, value in (program.metrics or {}).items() if _is_number(value)}
        self._steps[program.id] = self.record(
            scores or None,
            text=program.code,
            parent=parent,
            accepted=admitted is not None,
            island=metadata.get("island"),
            generation=program.generation,
            iteration=program.iteration_found,
            program=program.id,
        )
        running = getattr(self._controller, "parallel_controller", None)
        if running is not None and self.stops():
            running.request_shutdown()
        return admitted


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
