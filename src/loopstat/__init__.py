"""Measure loops in which a language model changes something step after step.

    import loopstat as ls

    panel = ls.read("runs.parquet", objectives=["security", "functionality"])
    fit = ls.LinearDrift().fit(panel.where(strategy="feature-first"))

Names are imported when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Analysis": "analysis.analyze",
    "BalanceAnalysis": "balance.analysis",
    "BalanceFit": "balance.fit",
    "Check": "results.check",
    "Counts": "panel.tally",
    "Decisions": "decide.analysis",
    "Estimate": "inference.estimate",
    "Grams": "drift.sums",
    "InputError": "errors",
    "Labels": "panel.panel",
    "LinearDrift": "drift.settings",
    "LinearDriftFit": "drift.fit",
    "LinearSDE": "drift.model",
    "LoopstatError": "errors",
    "MarkovChain": "balance.chain.model",
    "MeanCurve": "decide.settings",
    "Model": "panel.model",
    "MoveSettings": "moves.settings",
    "MovesProcess": "moves.process",
    "Objective": "panel.panel",
    "Panel": "panel.panel",
    "Regime": "drift.readings.regimes",
    "ReversibleChain": "balance.settings",
    "Session": "record.session",
    "SettingsError": "errors",
    "StopRule": "decide.rules.stop_rule",
    "Table": "results.result",
    "Verdict": "results.verdict",
    "analyze": "analysis.analyze",
    "analyze_balance": "balance.analysis",
    "analyze_decisions": "decide.analysis",
    "explain": "faces.explain",
    "merge": "many.merge",
    "plots": "plots",
    "read": "io",
    "read_recording": "io",
    "run_moves": "moves.fit",
    "simulate": "panel.model",
    "stats": "many.reading",
    "systems": "systems",
    "template": "io",
}
__all__ = sorted([*_HOME, "__version__"])

if TYPE_CHECKING:  # the aliases tell type checkers that these names are exported
    from . import plots as plots
    from . import systems as systems
    from .analysis.analyze import Analysis as Analysis
    from .analysis.analyze import analyze as analyze
    from .balance.analysis import BalanceAnalysis as BalanceAnalysis
    from .balance.analysis import analyze_balance as analyze_balance
    from .balance.chain.model import MarkovChain as MarkovChain
    from .balance.fit import BalanceFit as BalanceFit
    from .balance.settings import ReversibleChain as ReversibleChain
    from .decide.analysis import Decisions as Decisions
    from .decide.analysis import analyze_decisions as analyze_decisions
    from .decide.rules.stop_rule import StopRule as StopRule
    from .decide.settings import MeanCurve as MeanCurve
    from .drift.fit import LinearDriftFit as LinearDriftFit
    from .drift.model import LinearSDE as LinearSDE
    from .drift.readings.regimes import Regime as Regime
    from .drift.settings import LinearDrift as LinearDrift
    from .drift.sums import Grams as Grams
    from .errors import InputError as InputError
    from .errors import LoopstatError as LoopstatError
    from .errors import SettingsError as SettingsError
    from .faces.explain import explain as explain
    from .inference.estimate import Estimate as Estimate
    from .io import read as read
    from .io import read_recording as read_recording
    from .io import template as template
    from .many.merge import merge as merge
    from .many.reading import stats as stats
    from .moves.fit import run_moves as run_moves
    from .moves.process import MovesProcess as MovesProcess
    from .moves.settings import MoveSettings as MoveSettings
    from .panel.model import Model as Model
    from .panel.model import simulate as simulate
    from .panel.panel import Labels as Labels
    from .panel.panel import Objective as Objective
    from .panel.panel import Panel as Panel
    from .panel.tally import Counts as Counts
    from .record.session import Session as Session
    from .results.check import Check as Check
    from .results.result import Table as Table
    from .results.verdict import Verdict as Verdict


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'loopstat' has no attribute {name!r}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = module if name in ("plots", "systems") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
