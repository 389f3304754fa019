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
    "Check": "result",
    "Clusters": "resample",
    "Estimate": "result",
    "Grams": "grams",
    "InputError": "errors",
    "Labels": "panel",
    "LinearDrift": "drift",
    "LinearDriftFit": "drift",
    "LinearSDE": "sde",
    "LoopstatError": "errors",
    "Model": "model",
    "Objective": "panel",
    "Pairs": "panel",
    "Panel": "panel",
    "Regime": "regimes",
    "SettingsError": "errors",
    "Source": "panel",
    "Table": "result",
    "Verdict": "verdict",
    "analyze": "analysis",
    "explain": "glossary",
    "read": "io",
    "simulate": "model",
    "template": "io",
}
__all__ = sorted([*_HOME, "__version__"])

if TYPE_CHECKING:
    from .analysis import Analysis, analyze
    from .drift import LinearDrift, LinearDriftFit
    from .errors import InputError, LoopstatError, SettingsError
    from .glossary import explain
    from .grams import Grams
    from .io import read, template
    from .model import Model, simulate
    from .panel import Labels, Objective, Pairs, Panel, Source
    from .regimes import Regime
    from .resample import Clusters
    from .result import Check, Estimate, Table
    from .sde import LinearSDE
    from .verdict import Verdict


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'loopstat' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
