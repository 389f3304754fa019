"""Groups of a panel: how it is split where nobody says how, and what a group is called."""

from __future__ import annotations

from collections.abc import Mapping

from .panel import Panel

MAX_GROUPS = 8
MIN_SESSIONS = 10


def default_groups(panel: Panel) -> tuple[list[str], str]:
    """Choose the grouping where none was asked for; return the columns and a sentence."""
    if "strategy" not in panel.labels:
        return [], ""
    values = panel.label_values("strategy")
    if len(values) < 2:
        return (["strategy"] if values else []), ""
    sizes = {v: panel.where(strategy=v).n_sessions for v in values} if len(values) <= MAX_GROUPS else {}
    if sizes and min(sizes.values()) >= MIN_SESSIONS:
        return ["strategy"], "Groups: strategy (use --by to choose)."
    why = (
        f"{len(values)} strategies"
        if not sizes
        else f"strategy {min(sizes, key=lambda v: sizes[v])!r} has fewer than {MIN_SESSIONS} sessions"
    )
    return [], f"All sessions pooled: {why}; use --by strategy to see them apart."


def label_of(values: Mapping[str, str]) -> str:
    """Return the name of a group: the label values that define it, `all` where none do.

    Examples
    --------
    >>> label_of({"model": "gpt-4o", "strategy": "AI"}), label_of({})
    ('model=gpt-4o, strategy=AI', 'all')
    """
    return ", ".join(f"{column}={value}" for column, value in values.items()) or "all"
