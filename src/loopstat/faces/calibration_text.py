"""The terminal face of a calibration: what is identified, what is not and why, group by group.

Everything is read from the JSON form (`Calibration.to_dict()`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..inference.estimate import number
from ..moves.calibrate.fit import NOT_NAMED
from .sheets import counted, listed, part, percent, spread, title_of
from .text import Style, _head, _line, _plain_wrap, _warning, _wrap, clean, clean_sentence, unstyled

Json = Mapping[str, Any]

WORDS = {
    "oracle_resolution": "oracle sees",
    "correlation": "errors alike",
    "sigma_r": "reviewer errs by",
    "tau_h": "tau H",
    "tau": "tau",
}
SAYS = {
    "oracle_resolution": "r {} of defect modes",
    "correlation": "gamma {}, the correlation of two reviewers' errors",
    "sigma_r": "sigma_r {}",
    "tau_h": "{}",
    "tau": "{}",
}
SHOWN = (1, 2, 3, 5, 10, 20, 50, 100)
VERDICTS = {"coarse": "coarse tests", "fine": "fine tests", "truth": "the truth"}
MAX_SLOPES = 8


def render(data: Json, *, width: int = 100, style: Style = unstyled) -> str:
    """Return the terminal summary of a calibration.

    Parameters
    ----------
    data : mapping
        The JSON form.
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    groups = listed(data, "groups")
    tasks, rows = (sum(g.get(key) or 0 for g in groups) for key in ("n_tasks", "n_candidates"))
    size = f"{counted(rows, 'candidate')} of {counted(tasks, 'task')}"
    grouped = f" in {len(groups)} groups" if len(groups) > 1 else ""
    lines = _head(f"{title_of(data)}: {size}{grouped}", width, style)
    for note in listed(data, "notes"):
        lines += _wrap(clean_sentence(str(note)), width, "  ", "    ")
    for group in groups:
        lines += ["", *_group(group, width, style)]
    return "\n".join(lines)


def _group(group: Json, width: int, style: Style) -> list[str]:
    size = f"{counted(group.get('n_tasks'), 'task')}, {counted(group.get('n_candidates'), 'candidate')}"
    lines = _head(f"{clean(str(group.get('label')))}   {size}", width, style)
    lines += [f"  {style(words, 'answer')}" for words in _plain_wrap(verdict_of(group), width - 2)]
    for key, words in rows_of(group):
        lines += _line(key, words, width, style)
    for note in listed(group, "notes"):
        lines += _warning(clean_sentence(str(note)), width, style)
    return lines


def verdict_of(group: Json) -> str:
    """Say which settings of the simulator the group gives."""
    settings = part(group, "settings")
    if settings:
        shown = ", ".join(f"{clean(str(k))} {number(v)}" for k, v in settings.items())
        return f"Verdict: identified for the simulator: {shown}."
    return "Verdict: none of the simulator's settings is identified by these candidates."


def rows_of(group: Json) -> list[tuple[str, str]]:
    """Return what is said of a group, as (key, words); an empty key goes on with the one before."""
    rows = []
    false = part(group, "false_pass")
    if false.get("value") is not None:
        rows.append(("false passes", f"{percent(*_triple(false))} of what passes the coarse tests fails the fine ones"))
    elif false and not _unnamed(false):
        rows.append(("false passes", f"not known: {clean_sentence(str(false.get('reason')))}"))
    parameters = listed(group, "parameters")
    rows += _parameters([p for p in parameters if not _unnamed(p)])
    rows += _judges(group)
    rows += _passes(group)
    rows += _best(group)
    missing: dict[str, list[str]] = {}
    for p in filter(_unnamed, parameters):
        missing.setdefault(str(p["reason"]).partition(": ")[2].rstrip("."), []).append(str(p["name"]))
    said = "; ".join(f"{', '.join(names)} ({options})" for options, names in missing.items())
    return rows + ([("not asked for", said)] if said else [])


def _parameters(parameters: Sequence[Json]) -> list[tuple[str, str]]:
    """Return a line for each parameter; those of which nothing is known for one reason share a line."""
    lines: dict[str, list[str]] = {}
    for p in parameters:
        lines.setdefault(_parameter(p), []).append(WORDS.get(str(p["name"]), str(p["name"])))
    return [(", ".join(names), words) for words, names in lines.items()]


def _unnamed(parameter: Json) -> bool:
    return str(parameter.get("reason")).startswith(NOT_NAMED)


def _triple(data: Json) -> tuple[float | None, float | None, float | None]:
    return data.get("value"), data.get("low"), data.get("high")


def _parameter(p: Json) -> str:
    """Say a parameter: value and what it rests on, its bound, or why there is none."""
    reason = clean_sentence(str(p.get("reason") or ""))
    says = SAYS.get(str(p["name"]), "{}")
    if p.get("bound") == "upper":
        return f"{says.format('at most ' + number(p.get('high')))}. {reason}"
    if not p.get("identifiable"):
        value = p.get("value")
        given = f" ({says.format(number(value))})" if value is not None and p["name"] == "tau" else ""
        return f"not identifiable{given}. {reason}"
    return f"{says.format(spread(*_triple(p)))}. {reason}"


def _judges(group: Json) -> list[tuple[str, str]]:
    judges = part(group, "judges")
    rows = []
    ends = tuple(judges.get(k) for k in ("agreement", "agreement_low", "agreement_high"))
    if ends[0] is not None:
        shown = spread(*ends)
        rows.append(("scores agree", f"{shown} within tasks: the quality judges see and the errors they share"))
    slopes = listed(judges, "slopes")
    words = [
        f"{clean(str(s['name']))} {spread(s.get('slope'), s.get('slope_low'), s.get('slope_high'))}"
        f"{'' if s.get('used') else ' (left out)'}".replace(" ", "\xa0")
        for s in slopes[:MAX_SLOPES]
    ]
    more = f"   ({len(slopes) - MAX_SLOPES} more in --json)" if len(slopes) > MAX_SLOPES else ""
    return rows + ([("score per truth", "   ".join(words) + more)] if words else [])


def _passes(group: Json) -> list[tuple[str, str]]:
    rows = []
    for name, curve in part(group, "pass_at_k").items():
        shown = _points(curve, percent)
        if shown:
            rows.append(("pass@k", f"{VERDICTS.get(name, clean(name))}: {shown}"))
        k, value, low, high = _last(part(part(group, "pooled_k"), name))
        if value is not None:
            rows.append(("", f"pooled, {k} are worth {spread(value, low, high)} draws of one pass rate: tasks differ"))
    return [("" if i and rows[i - 1][0] == key else key, words) for i, (key, words) in enumerate(rows)]


def _best(group: Json) -> list[tuple[str, str]]:
    rows = []
    if shown := _points(part(group, "best_of_k"), spread):
        rows.append(("best of k", shown))
    curves = part(group, "k_eff")
    if inside := _points(part(curves, "within"), spread, first=2):
        rows.append(("k are worth", f"{inside}   (independent candidates, within tasks)"))
    k, value, low, high = _last(part(curves, "pooled"))
    if value is not None:
        rows.append(("", f"pooled over tasks {k} look like {spread(value, low, high)}: tasks differ"))
    return rows


def _points(curve: Json, say: Any, *, first: int = 1) -> str:
    """Return a curve at a few numbers of candidates; figures that belong together do not wrap."""
    k, values = listed(curve, "k"), listed(curve, "value")
    most = max(k, default=0)
    ends = (listed(curve, "low"), listed(curve, "high"))
    said: list[str] = []
    for i, at in enumerate(k):
        if at >= first and (at in SHOWN or at == most) and values[i] is not None:
            said.append(f"{at}: {say(values[i], ends[0][i], ends[1][i])}".replace(" ", "\xa0"))
    return "   ".join(said)


def _last(curve: Json) -> tuple[Any, ...]:
    """Return k, value and ends of the last point of a curve."""
    keys: Sequence[str] = ("k", "value", "low", "high")
    return tuple(v[-1] if (v := listed(curve, key)) else None for key in keys)
