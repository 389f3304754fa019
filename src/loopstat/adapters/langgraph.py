"""LangGraph and LangChain agents: a middleware that records every answer of the model and ends the agent."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from .plain import Recorded

Score = Callable[[Any], float | Mapping[str, float | None] | None]

NAME = "loopstat_session"  # under which the agent's state holds the name of the session


def middleware(directory: str | os.PathLike[str], score: Score, **session: Any) -> Any:
    """Return a middleware for `langchain.agents.create_agent(..., middleware=[...])`.

    A session is one call of the agent, a step one answer of the model: its text is the message, its score what `score`
    says of the agent's state. When the rule says stop the agent ends, before it calls further tools.

    Parameters
    ----------
    directory : path
    score : callable
        Of the agent's state, after the answer; a number, numbers by objective, or None where there is none.
    **session
        What `loopstat.Session` takes: `task`, `model`, `rule`, labels.
    """
    from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config

    class Recording(AgentMiddleware):  # type: ignore[misc]
        """Records answers; any number of agents may run at once."""

        class State(AgentState):  # type: ignore[misc]
            loopstat_session: str

        state_schema = State

        def __init__(self) -> None:
            super().__init__()
            self.loops: dict[str, Recorded] = {}

        def before_agent(self, state: Any, runtime: Any) -> dict[str, Any]:
            del state, runtime
            loop = Recorded(directory, **session)
            self.loops[loop.session.name] = loop
            return {NAME: loop.session.name}

        @hook_config(can_jump_to=["end"])  # type: ignore[untyped-decorator]
        def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
            del runtime
            loop = self.loops[state[NAME]]
            message = state["messages"][-1]
            usage = getattr(message, "usage_metadata", None) or {}
            loop.record(
                score(state),
                text=_text(message),
                tokens_in=usage.get("input_tokens"),
                tokens_out=usage.get("output_tokens"),
            )
            return {"jump_to": "end"} if loop.stops() else None

        def after_agent(self, state: Any, runtime: Any) -> None:
            del runtime
            loop = self.loops.pop(state[NAME])
            loop.session.end(None if loop.stops() else "target")

    return Recording()


def _text(message: Any) -> str:
    content = message.content
    return content if isinstance(content, str) else str(getattr(message, "text", content))
