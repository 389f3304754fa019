"""What [SJ] publishes, as far as its figures are known: a table to stand beside other loops."""

from __future__ import annotations

from loopstat.play.strategies import STRATEGIES

SESSIONS = 400
RATES = (0.33, 1.29)
"""Lowest and highest; which strategy has which is not known."""
R2 = {"AI": 0.74, "SF": 0.72, "EF": 0.58, "FF": 0.50}
REGIMES = {"EF": "real eigenvalues", "SF": "complex pair", "FF": "near zero", "AI": "balanced"}
PARETO = {"EF": "high", "SF": "high", "FF": "50 %", "AI": "high"}
SECURITY_OF_FF = STRATEGIES["FF"].rest[0]


def table() -> list[str]:
    """Return the published figures as a table of the page."""
    lines = ["| strategy | equilibrium (security, efficiency, functionality) | R² | eigenvalues | Pareto efficiency |"]
    lines.append("|---|---|---|---|---|")
    for name, r2 in R2.items():
        rest = ", ".join(f"{x:.2f}" for x in STRATEGIES[name].rest)
        lines.append(f"| {name} | {rest} | {r2:.2f} | {REGIMES[name]} | {PARETO[name]} |")
    return lines
