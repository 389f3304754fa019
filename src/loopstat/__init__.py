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
    "Analysis": "analysis",
    "BalanceAnalysis": "balancing",
    "BalanceFit": "balance_fit",
    "Check": "result",
    "Clusters": "resample",
    "Counts": "counts",
    "Estimate": "result",
    "Grams": "grams",
    "InputError": "errors",
    "Labels": "panel",
    "LinearDrift": "drift",
    "LinearDriftFit": "fit",
    "LinearSDE": "sde",
    "LoopstatError": "errors",
    "MarkovChain": "chain",
    "Model": "model",
    "MoveSettings": "move_settings",
    "MovesProcess": "moves",
    "Objective": "panel",
    "Pairs": "panel",
    "Panel": "panel",
    "Regime": "regimes",
    "ReversibleChain": "reversible",
    "SettingsError": "errors",
    "Source": "panel",
    "Table": "result",
    "Verdict": "verdict",
    "analyze": "reading",
    "analyze_balance": "balancing",
    "explain": "glossary",
    "plots": "plots",
    "read": "io",
    "read_recording": "io",
    "run_moves": "move_run",
    "simulate": "model",
    "systems": "systems",
    "template": "io",
}
__all__ = sorted([*_HOME, "__version__"])

if TYPE_CHECKING:  # the aliases tell type checkers that these names are exported
    from . import plots as plots
    from . import systems as systems
    from .analysis import Analysis as Analysis
    from .balance_fit import BalanceFit as BalanceFit
    from .balancing import BalanceAnalysis as BalanceAnalysis
    from .balancing import analyze_balance as analyze_balance
    from .chain import MarkovChain as MarkovChain
    from .counts import Counts as Counts
    from .drift import LinearDrift as LinearDrift
    from .errors import InputError as InputError
    from .errors import LoopstatError as LoopstatError
    from .errors import SettingsError as SettingsError
    from .fit import LinearDriftFit as LinearDriftFit
    from .glossary import explain as explain
    from .grams import Grams as Grams
    from .io import read as read
    from .io import read_recording as read_recording
    from .io import template as template
    from .model import Model as Model
    from .model import simulate as simulate
    from .move_run import run_moves as run_moves
    from .move_settings import MoveSettings as MoveSettings
    from .moves import MovesProcess as MovesProcess
    from .panel import Labels as Labels
    from .panel import Objective as Objective
    from .panel import Pairs as Pairs
    from .panel import Panel as Panel
    from .panel import Source as Source
    from .reading import analyze as analyze
    from .regimes import Regime as Regime
    from .resample import Clusters as Clusters
    from .result import Check as Check
    from .result import Estimate as Estimate
    from .result import Table as Table
    from .reversible import ReversibleChain as ReversibleChain
    from .sde import LinearSDE as LinearSDE
    from .verdict import Verdict as Verdict


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'loopstat' has no attribute {name!r}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = module if name in ("plots", "systems") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
