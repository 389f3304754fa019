"""What the commands of the moves lens do, from options to answers that can be printed, written and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from ..moves.options import asked_for, pairs, settings_file
from ..moves.settings import MoveSettings

if TYPE_CHECKING:
    from studies.claims import Claims

    from .terminal import Style

Progress = Callable[[str, int, int], None]

MOST_FRONTIER = 1000  # runs of every team of a frontier, and of every step of a reviewer's value: they are hundreds


@dataclass(frozen=True)
class MovesAnswer:
    """What a command of the moves lens has to say.

    Attributes
    ----------
    kind : "simulate" or "plan"
    data : dict
        The JSON form.
    settings : MoveSettings
        Those simulated, or those of the best plan: what `--save` writes.
    notes : tuple of str
    """

    kind: str
    data: dict[str, Any] = field(repr=False)
    settings: MoveSettings
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return self.data

    def render(self, *, width: int, style: Style) -> str:
        """Return what the terminal shows."""
        from . import moves_text, plan_text

        draw = moves_text.render if self.kind == "simulate" else plan_text.render
        return draw(self.data, width=width, style=style)

    def page(self) -> str:
        """Return the page."""
        from . import moves_page

        return moves_page.page(self.data)


def run_simulation(options: Mapping[str, Any], *, command: str) -> MovesAnswer:
    """Simulate one loop of moves as the command line was told to.

    Parameters
    ----------
    options : mapping
        See `move_options.asked_for`; `sensitivity` steps every parameter too.
    command : str
        The command line, kept with the result.
    """
    from ..moves.fit import run_moves

    asked = asked_for(options)
    found = run_moves(asked.settings, sensitivity=bool(options.get("sensitivity")))
    data = {**found.to_dict(), "notes": list(asked.notes), "command": command}
    return MovesAnswer("simulate", data, asked.settings, asked.notes)


def run_plan(options: Mapping[str, Any], *, command: str, progress: Progress | None = None) -> MovesAnswer:
    """Search what to buy, as the command line was told to.

    Parameters
    ----------
    options : mapping
        See `move_options.asked_for`; `budget`, `reliability`, `judge`; `search`, texts NAME=VALUE,VALUE; and
        `frontier`: whether speed against quality and the value of a reviewer are simulated too.
    command : str
    progress : callable, optional
    """
    from .. import __version__
    from ..moves.frontier import frontier
    from ..moves.planning import plan
    from ..moves.reviewer_value import reviewer_value

    budget, reliability = (options.get(name) for name in ("budget", "reliability"))
    if budget is None and reliability is None:
        raise SettingsError("a plan needs --budget or --reliability.")
    asked = asked_for(options)
    s, judge = asked.settings, str(options.get("judge") or "p_good")
    search = {name: _listed(values) for name, values in pairs(options.get("search") or (), "--search").items()}
    found = plan(s, budget=budget, reliability=reliability, judge=judge, search=search, progress=progress)
    data = {"version": __version__, **found.to_dict()}
    if options.get("frontier", True):
        few = min(s.replicates, MOST_FRONTIER)
        data["frontier"] = frontier(s, replicates=few, progress=progress).to_dict()
        data["reviewer_value"] = reviewer_value(s, replicates=few, progress=progress).to_dict()
    data |= {"notes": list(asked.notes), "command": command}
    return MovesAnswer("plan", data, found.best_settings, asked.notes)


def _listed(values: str) -> list[str]:
    return [v.strip() for v in values.split(",") if v.strip()]


@dataclass(frozen=True)
class ClaimsAnswer:
    """Verdicts on the published statements, as a command says them.

    Attributes
    ----------
    claims : Claims
    command : str
    """

    claims: Claims
    command: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        from .. import __version__

        return {"version": __version__, **self.claims.to_dict(), "command": self.command}

    def render(self, *, width: int, style: Style) -> str:
        """Return what the terminal shows."""
        from studies.claims_text import claims_text

        first, _, rest = claims_text(self.claims, width=width).rstrip().partition("\n")
        return f"{style(first, 'answer')}\n{rest}"

    def page(self) -> str:
        """Return the page of the documentation, in Markdown."""
        from studies.claims_text import claims_page

        return claims_page(self.claims)


def run_claims(options: Mapping[str, Any], *, command: str, progress: Progress | None = None) -> ClaimsAnswer:
    """Judge the published statements.

    Parameters
    ----------
    options : mapping
        `seed`, `replicates`, `grid`, `quick`: see `judge_claims`.
    command : str
    progress : callable, optional
    """
    from studies.claims import judge_claims

    names = ("seed", "replicates", "grid", "quick")
    given = {name: options[name] for name in names if options.get(name) is not None}
    return ClaimsAnswer(judge_claims(**given, progress=progress), command)


def settings_text(answer: MovesAnswer) -> str:
    """Return the settings of an answer as the text of a settings file."""
    return settings_file(answer.settings)


def lists_as_json() -> str:
    """Return every parameter, policy, preset and scenario as JSON."""
    from ..moves.settings import POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS

    rows = [{**vars(p), "choices": list(p.choices), "slider": list(p.slider) if p.slider else None} for p in ROWS]
    named = {"policies": POLICY_DEFAULTS, "presets": PRESETS, "scenarios": SCENARIOS}
    return json.dumps({"schema": "loopstat.moves-parameters/1", "parameters": rows, **named}, indent=1) + "\n"
