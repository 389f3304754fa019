"""What the commands of the log do: list, show, verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from ..errors import InputError, SettingsError
from ..lenses import Progress
from ..parameters import nearest
from .reading import Reader, SessionRow, StepRow
from .results import Exported, Listing, SessionSeen, SessionShown, StepSeen, StoreVerified, Verified
from .schema import FILE
from .table import table_of
from .verify import problems

BAD_INPUT = 2  # the exit of a command whose file cannot be trusted


def paths(files: Sequence[str], options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the run directories as they were named; each is looked at when it is read."""
    del options
    return tuple(files)


def listed(recording: Sequence[str], options: Mapping[str, Any], *, progress: Progress | None = None) -> Listing:
    """List the sessions of run directories."""
    del progress
    found: list[SessionSeen] = []
    notes: list[str] = []
    for path in recording:
        with Reader(path) as reader:
            found += [_seen(path, row) for row in reader.sessions()]
            notes += reader.notes
    return Listing(tuple(found), tuple(notes), str(options.get("command") or ""))


def shown(recording: Sequence[str], options: Mapping[str, Any], *, progress: Progress | None = None) -> SessionShown:
    """Show one session: the one of a name, or the last that began.

    Raises
    ------
    InputError
        There is no session.
    SettingsError
        None of that name, or several; no step of that number.
    """
    del progress
    with ExitStack() as stack:
        readers = [(path, stack.enter_context(Reader(path))) for path in recording]
        path, reader, row = _chosen(readers, options.get("session"))
        steps = list(reader.steps(row.id))
        by_id = {step.id: step for step in steps}
        sizes = {number: reader.size(number) for step in steps for number in step.texts.values()}
        wanted = options.get("step")
        of_step = [step for step in steps if step.step == wanted]
        if wanted is not None and not of_step:
            last = f"; the last one is {steps[-1].step}" if steps else ": it has none"
            raise SettingsError(f"session {row.name!r} has no step {wanted}{last}.", setting="step")
        texts = tuple({name: reader.text(k) for name, k in step.texts.items()} for step in of_step)
        return SessionShown(
            _seen(path, row),
            tuple(_step(step, by_id, sizes) for step in (of_step or steps)),
            texts,
            tuple(reader.notes),
            str(options.get("command") or ""),
        )


def _chosen(readers: Sequence[tuple[str, Reader]], name: str | None) -> tuple[str, Reader, SessionRow]:
    every = [(path, reader, row) for path, reader in readers for row in reader.sessions()]
    if not every:
        raise InputError("holds no session yet.", file=", ".join(path for path, _ in readers))
    if name is None:
        return max(every, key=lambda item: item[2].started)
    found = [item for item in every if item[2].name == name]
    if not found:
        raise nearest(name, [row.name for _, _, row in every], "session")
    if len(found) > 1:
        raise SettingsError(f"several of these directories have a session {name!r}: name one directory.")
    return found[0]


def verified(recording: Sequence[str], options: Mapping[str, Any], *, progress: Progress | None = None) -> Verified:
    """Check whether stores are what was written."""
    stores = []
    for k, path in enumerate(recording):
        if progress is not None:
            progress(k, len(recording), path)
        with Reader(path) as reader:
            found = problems(reader)
            if found:
                stores.append(StoreVerified(path, reader.format, None, None, None, found))
                continue
            n_steps = sum(1 for _ in reader.steps())
            stores.append(StoreVerified(path, reader.format, len(reader.sessions()), n_steps, reader.n_texts(), ()))
    return Verified(tuple(stores), (), str(options.get("command") or ""))


def exported(recording: Any, options: Mapping[str, Any], *, progress: Progress | None = None) -> Exported:
    """Say what the table of a store holds; it is written where a file is asked for.

    Parameters
    ----------
    recording : Stored
        Where the store lies, and which session is wanted.
    """
    del progress
    with Reader(recording.path) as reader:
        columns = table_of(reader, recording.session)
        sessions = columns[0].values if columns else []
        return Exported(
            str(recording.path.parent if recording.path.name == FILE else recording.path),
            len(set(sessions)),
            len(sessions),
            tuple(column.name for column in columns),
            tuple(reader.notes),
            str(options.get("command") or ""),
            recording,
        )


def exit_of(result: Verified) -> int:
    """Return the exit code: a store that cannot be trusted is bad input."""
    return 0 if result.sound else BAD_INPUT


def _seen(path: str, row: SessionRow) -> SessionSeen:
    last = None if row.last_at is None else moment(row.last_at)
    return SessionSeen(path, row.name, moment(row.started), last, row.ended, row.note or "", row.n_steps, row.fields)


def _step(row: StepRow, by_id: Mapping[int, StepRow], sizes: Mapping[int, int]) -> StepSeen:
    parent = None if row.parent is None else by_id[row.parent]
    return StepSeen(
        row.step,
        row.candidate,
        row.repeat,
        None if parent is None else parent.step,
        None if parent is None else parent.candidate,
        row.accepted,
        moment(row.at),
        row.scores,
        row.fields,
        {name: sizes[number] for name, number in row.texts.items()},
    )


def moment(seconds: float) -> str:
    """Return a moment in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
