"""GEPA: every proposal a step, accepted or not, and a rule that stops the optimisation.

Nothing of GEPA's state is unpickled or changed: it is heard through its callbacks and asked through its stoppers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..record.session import Step
from .plain import Recorded

VALIDATION, MINIBATCH = "validation", "minibatch"


class GepaCallback(Recorded):
    """For `gepa.optimize(..., callbacks=[c], stop_callbacks=[c])`.

    A step is a proposal. Accepted ones have the score `validation`, the mean over the validation set; all have
    `minibatch`, the mean over the examples they were tried on. The text is the candidate, as JSON; its parent the
    candidate it was made from; its cost the metric calls since the step before. Proposals that could not be scored are
    steps without a score. `validation` is what to tune a rule on (`--objectives validation --keep accepted`).

    Parameters
    ----------
    directory : path
    **session
        What `loopstat.Session` takes.
    """

    otherwise = "budget"

    def __init__(self, directory: Any, **session: Any) -> None:
        super().__init__(directory, **session)
        self._steps: dict[int, Step] = {}
        self._forget()
        self._calls = self._paid = 0

    def _forget(self) -> None:
        """Begin an iteration: nothing is known of its proposal yet."""
        self._selected: int | None = None
        self._parent: Mapping[str, str] = {}
        self._proposal: Mapping[str, str] | None = None
        self._tried: float | None = None
        self._kind = "reflection"
        self._done = False

    def __call__(self, gepa_state: Any) -> bool:
        """Return whether the rule says stop: GEPA asks before every iteration."""
        del gepa_state
        return self.stops()

    # ------------------------------------------------------------------ what GEPA says

    def on_iteration_start(self, event: Mapping[str, Any]) -> None:
        """Hear that an iteration begins."""
        del event
        self._forget()

    def on_candidate_selected(self, event: Mapping[str, Any]) -> None:
        """Hear what the next proposal is made from."""
        self._selected, self._parent = event["candidate_idx"], event["candidate"]

    def on_proposal_end(self, event: Mapping[str, Any]) -> None:
        """Hear what is proposed."""
        self._proposal = {**self._parent, **event["new_instructions"]}

    def on_merge_attempted(self, event: Mapping[str, Any]) -> None:
        """Hear that two candidates are merged."""
        self._kind, self._proposal = "merge", event["merged_candidate"]
        self._selected = next(iter(event["parent_ids"]), None)

    def on_evaluation_end(self, event: Mapping[str, Any]) -> None:
        """Hear how a proposal did on its minibatch."""
        scores = event["scores"]
        if event["candidate_idx"] is None and scores:
            self._tried = sum(scores) / len(scores)

    def on_budget_updated(self, event: Mapping[str, Any]) -> None:
        """Hear how often the metric was called."""
        self._calls = event["metric_calls_used"]

    def on_valset_evaluated(self, event: Mapping[str, Any]) -> None:
        """Record a candidate that was taken over: the seed, or an accepted proposal."""
        parent = next((self._steps[k] for k in event["parent_ids"] if k in self._steps), None)
        scores = {VALIDATION: event["average_score"], MINIBATCH: self._tried}
        self._steps[event["candidate_idx"]] = self._kept(scores, event["candidate"], parent, accepted=True)

    def on_candidate_rejected(self, event: Mapping[str, Any]) -> None:
        """Record a proposal that was tried and not taken over."""
        self._rejected(str(event["reason"]))

    def on_merge_rejected(self, event: Mapping[str, Any]) -> None:
        """Record a merged candidate that was not taken over."""
        self._rejected(str(event["reason"]))

    def on_evaluation_skipped(self, event: Mapping[str, Any]) -> None:
        """Hear that nothing is proposed, for there is nothing to mend."""
        del event
        self._done = True

    def on_iteration_end(self, event: Mapping[str, Any]) -> None:
        """Record that a proposal was wanted and none came."""
        del event
        if self._selected is not None and not self._done:
            self._rejected("no proposal")

    def on_error(self, event: Mapping[str, Any]) -> None:
        """Record a proposal that broke."""
        self._tried = None
        self._rejected(f"{type(event['exception']).__name__}: {event['exception']}")

    # ------------------------------------------------------------------ as steps

    def _rejected(self, reason: str) -> None:
        parent = self._steps.get(self._selected) if self._selected is not None else None
        self._kept({VALIDATION: None, MINIBATCH: self._tried}, self._proposal, parent, accepted=False, reason=reason)

    def _kept(
        self,
        scores: Mapping[str, float | None],
        candidate: Mapping[str, str] | None,
        parent: Step | None,
        *,
        accepted: bool,
        reason: str | None = None,
    ) -> Step:
        self._done = True
        cost, self._paid = self._calls - self._paid, self._calls
        text = None if candidate is None else json.dumps(dict(candidate), ensure_ascii=False, sort_keys=True)
        kind = "seed" if parent is None and accepted else self._kind
        told = {"accepted": accepted, "cost": cost, "strategy": kind, "reason": reason}
        return self.record(scores, text=text, parent=parent, **told)
