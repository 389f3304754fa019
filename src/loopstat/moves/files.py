"""Settings of the moves lens from flags, files and lists; everything said about a parameter comes from `PARAMETERS`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, SettingsError
from ..parameters import nearest, pairs
from .settings import FREQUENT, PARAMETERS, POLICY_DEFAULTS, MoveSettings

SCHEMA = "loopstat.moves-settings/1"
EXAMPLE = f'{{"schema": "{SCHEMA}", "settings": {{"candidates": 8}}}}'
LISTED = " Hint: loopstat moves settings lists the names."
MAX_LABELS = 6  # of groups named in an error


@dataclass(frozen=True)
class Asked:
    """Settings as they were asked for.

    Attributes
    ----------
    settings : MoveSettings
    notes : tuple of str
        What was assumed on the way.
    """

    settings: MoveSettings
    notes: tuple[str, ...] = ()


def asked_for(options: Mapping[str, Any]) -> Asked:
    """Return the settings that options ask for: policy or preset, scenario, file, flags and `--set`, the later winning.

    Parameters
    ----------
    options : mapping
        `policy`, `preset`, `scenario`, `settings` (a path), `group`, `set` (texts NAME=VALUE), and any setting by its
        own name; what is absent or None was not asked for.

    Returns
    -------
    Asked

    Raises
    ------
    SettingsError
        Unknown names, values out of range, options that contradict each other.
    InputError
        A settings file that cannot be used.

    Examples
    --------
    >>> asked_for({"preset": "noob-vibe", "candidates": "3", "set": ["candidates=4"]}).settings.candidates
    4
    """
    policy, preset = options.get("policy"), options.get("preset")
    if policy is not None and preset is not None:
        raise SettingsError("--policy and --preset both load a row of settings: name one of them.")
    path, group = options.get("settings"), options.get("group")
    if group is not None and path is None:
        raise SettingsError("--group names a group of a settings file. Hint: --settings FILE.")
    file, notes = ({}, ()) if path is None else read_settings(path, group=group)
    flags = {name: options[name] for name in PARAMETERS if name != "policy" and options.get(name) is not None}
    values = {**flags, **pairs(options.get("set") or (), "--set", LISTED)}
    if policy is not None and "policy" not in values and file.get("policy", policy) != policy:
        raise SettingsError(
            f"--policy says {policy}, and {path} holds the policy {file['policy']}. Hint: --set policy={policy} "
            "overrules the file."
        )
    if policy is not None and policy not in POLICY_DEFAULTS:
        raise nearest(str(policy), POLICY_DEFAULTS, "policy")
    settings = MoveSettings.of(
        policy=policy, preset=preset, scenario=options.get("scenario"), file=file, values=_values(values)
    )
    return Asked(settings, notes)


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read values one by one, so that an unknown name is found before a value out of range."""
    for name in values:
        if name not in PARAMETERS:
            raise nearest(name, PARAMETERS, "setting")
    return {name: PARAMETERS[name].read(value) for name, value in values.items()}


def spelled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the command line is asked so that it simulates what a page's settings say.

    Parameters
    ----------
    values : mapping
        Values of a desk by name; those at their defaults may be left out.

    Returns
    -------
    dict
        The same with settings that have no flag among the pairs of `set`. A policy's flag loads all of its published
        row, so whatever that row says otherwise is said too.

    Examples
    --------
    >>> spelled({"human_prior": 0.7, "candidates": 8})
    {'candidates': 8, 'set': ['human_prior=0.7']}
    """
    usual = {name: row.default for name, row in PARAMETERS.items()}
    own = {name: PARAMETERS[name].read(value) for name, value in values.items() if name in usual and value is not None}
    rest = {name: value for name, value in values.items() if name not in usual}
    loaded = {**usual, **POLICY_DEFAULTS.get(str(own.get("policy", "")), {})}
    differ = {name: value for name, value in {**usual, **own}.items() if value != loaded[name]}
    flags = {name: differ.pop(name) for name in FREQUENT if name in differ}
    policy = own.get("policy", usual["policy"])
    chosen = {"policy": policy} if policy != usual["policy"] else {}
    told = [*(rest.pop("set", None) or ()), *(f"{name}={value}" for name, value in differ.items())]
    return {**chosen, **rest, **flags, **({"set": told} if told else {})}


# ------------------------------------------------------------------------------- settings files


def read_settings(path: str, *, group: str | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read a settings file: what `--save` and `loopstat moves calibrate` write.

    Parameters
    ----------
    path : str
        JSON with the schema `loopstat.moves-settings/1`, and `settings`, or `groups` that have settings each.
    group : str, optional
        Label of the group to read, where there are several.

    Returns
    -------
    (dict, tuple of str)
        Values by name, checked one by one; and notes about what the file leaves open.

    Raises
    ------
    InputError
        The file cannot be read or is of another kind; unknown names, values out of range, no such group.
    """
    data = _json(path)
    kind = data.get("schema")
    if kind != SCHEMA:
        what = f"a file of the kind {kind}" if isinstance(kind, str) else "JSON of another kind"
        hint = f"expected {EXAMPLE}; `--save FILE` writes one."
        raise InputError(f"is {what}, not a settings file.", file=path, hint=hint)
    found = _group(data, path, group)
    if not isinstance(found, Mapping):
        raise InputError("`settings` must be an object of names and values.", file=path, hint=f"expected {EXAMPLE}.")
    values: dict[str, Any] = {}
    notes = [] if found else [f"{path} identifies no setting{f' of {group}' if group else ''}: all defaults stay."]
    for name, value in found.items():
        if name not in PARAMETERS:
            raise _in_file(nearest(name, PARAMETERS, "setting"), path)
        if value is None:
            notes.append(f"{name} is not known by {path}: the default stays.")
            continue
        try:
            values[name] = PARAMETERS[name].read(value)
        except SettingsError as error:
            raise _in_file(error, path) from None
    return values, tuple(notes)


def _in_file(error: SettingsError, path: str) -> InputError:
    return InputError(str(error), file=path)


def _json(path: str) -> dict[str, Any]:
    recorded = "recordings are read by `loopstat moves calibrate`, which writes a settings file."
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file.", file=path, hint=f"write one that holds {EXAMPLE}.") from None
    except IsADirectoryError:
        raise InputError("is a directory, expected a settings file.", file=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}.", file=path) from None
    except ValueError:  # bytes that are no UTF-8, or a name no file can have
        raise InputError("is no text, so no settings file.", file=path, hint=recorded) from None
    try:
        data = json.loads(text, object_pairs_hook=_no_key_twice)
    except SettingsError as error:
        raise _in_file(error, path) from None
    except json.JSONDecodeError as error:
        said = f"is not JSON, so no settings file: {error.msg} in line {error.lineno}."
        raise InputError(said, file=path, hint=recorded) from None
    except (ValueError, RecursionError):
        raise InputError("is not JSON that can be read.", file=path) from None
    if not isinstance(data, dict):
        raise InputError("must hold a JSON object.", file=path, hint=f"expected {EXAMPLE}.")
    return data


def _no_key_twice(found: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in found]
    twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
    if twice is not None:
        raise SettingsError(f"holds the key {twice!r} twice.")
    return dict(found)


def _group(data: Mapping[str, Any], path: str, wanted: str | None) -> Any:
    """Return the settings of the file, or of the group that was asked for."""
    groups = dict(_labelled(data.get("groups"), path))
    if not groups:
        if wanted is not None:
            raise InputError(f"has no groups, so no group {wanted!r}.", file=path)
        if "settings" not in data:
            raise InputError("lacks `settings`.", file=path, hint=f"expected {EXAMPLE}.")
        return data["settings"]
    if wanted is None and "settings" in data:
        return data["settings"]
    names = ", ".join(list(groups)[:MAX_LABELS]) + (" ..." if len(groups) > MAX_LABELS else "")
    if wanted is None and len(groups) > 1:
        raise InputError(f"holds {len(groups)} groups: {names}.", file=path, hint="--group LABEL says which.")
    if wanted is not None and wanted not in groups:
        raise _in_file(nearest(wanted, groups, "group"), path)
    return groups[wanted if wanted is not None else next(iter(groups))]


def _labelled(groups: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield label and settings of every group: an object of them, or a list of objects."""
    if isinstance(groups, Mapping):
        yield from groups.items()
        return
    for item in groups or ():
        if not isinstance(item, Mapping) or not isinstance(item.get("label"), str) or "settings" not in item:
            raise InputError("every one of its `groups` must have a `label` and `settings`.", file=path)
        yield item["label"], item["settings"]


def settings_file(settings: MoveSettings) -> str:
    """Return settings as the text of a settings file."""
    return json.dumps({"schema": SCHEMA, "settings": settings.to_dict()}, allow_nan=False, indent=1) + "\n"
