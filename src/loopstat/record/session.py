"""A loop records itself: four lines in anybody's loop, from threads and from processes."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

from ..errors import SettingsError
from .following import Followed, follow
from .rows import Row, add_step, mark
from .seals import seal
from .store import Store, put_text
from .values import Cleaner, Plain, field_text, flag, plain_labels, plain_scores, whole

if TYPE_CHECKING:
    from ..decide.rules.stop_rule import Action, StopRule

Why = Literal["target", "budget", "failure", "unknown"]
ENDED: tuple[Why, ...] = get_args(Why)
LONGEST_NOTE = 2000  # characters kept of what a session failed with
FOLDER = "LOOPSTAT_LOG_DIR"


class _Unsaid:
    """Stands for a parent nobody spoke of, which is not the same as none."""


UNSAID: Final = _Unsaid()


@dataclass(frozen=True)
class Step:
    """One recorded proposal: hand it on as the `parent` of what is made from it.

    Attributes
    ----------
    session : str
    step : int
    candidate : str
        Among those of the same step, counted from 0 unless named.
    id : int
        Its number in the store.
    """

    session: str
    step: int
    candidate: str
    id: int


class Session:
    """The record of one loop under way, in a run directory that any number of loops may share.

    Every call is one short transaction: when it returns, what it was told survives kill -9 of the process and, with
    `sync="full"`, a loss of power. Values of environment variables that hold keys or tokens are taken out of all texts
    and labels before they are written.

    Parameters
    ----------
    directory : path, optional
        Of the run, made if need be; `loopstat.db` in it is the store, and every command that reads tables reads the
        directory. Default: the environment's LOOPSTAT_LOG_DIR, or `logs`.
    task, model, strategy : str, optional
        Hold for all steps, unless a step says otherwise.
    name : str, optional
        Unique in the directory; default one made of the time. The name of a session that has not ended goes on with
        it: after a crash, or in another process.
    rule : path or StopRule, optional
        A rule that `loopstat decide --save` wrote, for `advise`.
    sync : {"full", "normal"}
        `normal` survives kill -9 but may miss the last moments before a loss of power; it takes a fiftieth of the time.
    **labels : str, number or bool
        Further columns that hold for all steps.

    Raises
    ------
    InputError
        The store or the rule cannot be read.
    OutputError
        The system does not let it write there.
    SettingsError
        An argument cannot be used, or the session has ended.

    Examples
    --------
    >>> import tempfile
    >>> from loopstat import Session, read
    >>> runs = tempfile.mkdtemp()
    >>> with Session(runs, task="sort", model="m") as s:
    ...     first = s.step({"speed": 1.0}, text="def f(): ...")
    ...     better = s.step({"speed": 3.0}, text="def f(): return 1", parent=first, accepted=True)
    ...     s.end("target")
    >>> read(runs, objectives=["speed"]).x.tolist()
    [[1.0], [3.0]]
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        task: str | None = None,
        model: str | None = None,
        strategy: str | None = None,
        name: str | None = None,
        rule: str | os.PathLike[str] | StopRule | None = None,
        sync: Literal["full", "normal"] = "full",
        **labels: Any,
    ) -> None:
        rule_found = None if rule is None else follow(rule)
        cleaner = Cleaner()
        given = {"task": task, "model": model, "strategy": strategy, **labels}
        fields, texts = plain_labels(given, cleaner)
        if texts:
            raise SettingsError(f"`{next(iter(texts))}` belongs to a step: a session has labels only.")
        self._store = Store(os.environ.get(FOLDER) or "logs" if directory is None else directory, sync=sync)
        self._advice = threading.Lock()
        self._followed: Followed | None = rule_found
        self.name, self._id = self._begun(name, fields, cleaner)

    def _begun(self, name: str | None, fields: Mapping[str, Plain], cleaner: Cleaner) -> tuple[str, int]:
        """Return the name and number of the session: a new one, or one that goes on."""
        from .. import __version__

        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise SettingsError(f"`name` must be a text. Got {name!r}.")
        wanted = cleaner.text(field_text(name)) if name else _made_up()
        with self._store.writing() as con:
            row = con.execute("SELECT id, ended, fields FROM sessions WHERE name = ?", (wanted,)).fetchone()
            rule = None
            if self._followed is not None:
                rule = put_text(con, cleaner.text(self._followed.text()))
            if row is None:
                values = (wanted, time.time(), socket.gethostname(), os.getpid(), __version__, json.dumps(fields), rule)
                columns = "name, started, host, pid, version, fields, rule"
                cursor = con.execute(f"INSERT INTO sessions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
                begun = int(cursor.lastrowid or 0)
                seal(con, "sessions", begun)
                return wanted, begun
            number_, ended, before = row
            _refuse_ended(wanted, ended)
            known = json.loads(before)
            if any(known.get(key) != value for key, value in fields.items()):
                raise SettingsError(f"session {wanted!r} is there with other labels: {before}. Choose another `name`.")
            if rule is not None:
                con.execute("UPDATE sessions SET rule = ? WHERE id = ?", (rule, number_))
                seal(con, "sessions", int(number_))
            return wanted, int(number_)

    # ------------------------------------------------------------------ recording

    def step(
        self,
        scores: float | Mapping[str, float | None] | None = None,
        *,
        text: str | None = None,
        strategy: str | None = None,
        parent: Step | _Unsaid | None = UNSAID,
        accepted: bool | None = None,
        cost: float | None = None,
        propensity: float | None = None,
        **labels: Any,
    ) -> Step:
        """Record one proposal, also a rejected one; when it returns, nothing of it can be lost.

        Parameters
        ----------
        scores : number, or mapping from objective to number
            None where it could not be scored; so is an objective that is None or NaN.
        text : str, optional
            The artefact; equal texts are kept once.
        strategy : str, optional
            What produced it.
        parent : Step, optional
            What it was made from. None: nothing. Left out: the last accepted one of an earlier step, where this
            session says what is accepted; else the step before.
        accepted : bool, optional
            Whether the loop took it over; `accept` can say so later.
        cost : float, optional
        propensity : float, optional
            Chance with which its strategy was chosen.
        **labels : str, number or bool
            Further columns: `model`, `task`, `tokens_in`, `oracle_pass`, `state`, your own; `input_...` are whole
            texts. `step=` numbers it, so that several candidates share a step; else it is the next one. `candidate=`
            tells those of a step apart, `repeat=` several scorings of one artefact.

        Returns
        -------
        Step

        Raises
        ------
        SettingsError
            An argument cannot be used, or the session has ended. Nothing is recorded.
        OutputError
            The system refuses, for want of space say. What was recorded before is safe.
        """
        cleaner = Cleaner()
        if text is not None and not isinstance(text, str):
            raise SettingsError(f"`text` must be a text. Got {type(text).__name__}.")
        keys = {key: labels.pop(key, None) for key in ("step", "candidate", "repeat")}
        given = {"strategy": strategy, "cost": cost, "propensity": propensity, **labels}
        fields, texts = plain_labels(given, cleaner)
        found = plain_scores(scores)
        clash = next((name for name in found if name in fields or name in texts), None)
        if clash is not None:
            raise SettingsError(f"`{clash}` is given both as a score and as a label.")
        if text is not None:
            texts = {"artifact": cleaner.text(text), **texts}
        row = Row(
            session=self._id,
            step=None if keys["step"] is None else whole(keys["step"], "step"),
            candidate=None if keys["candidate"] is None else cleaner.text(field_text(keys["candidate"])),
            repeat="" if keys["repeat"] is None else cleaner.text(field_text(keys["repeat"])),
            parent=parent.id if isinstance(parent, Step) else None,
            root=parent is None,
            accepted=flag(accepted, "accepted"),
            scores=found,
            fields=fields,
            texts=texts,
        )
        self._check_parent(parent)
        with self._store.writing() as con:
            self._check_open(con)
            number_, step, candidate = add_step(con, row)
        return Step(self.name, step, candidate, number_)

    def accept(self, step: Step, accepted: bool = True) -> None:
        """Say of a recorded proposal whether the loop took it over, where that was not known when it was recorded.

        Raises
        ------
        SettingsError
            It is of another session, or was said otherwise before.
        """
        self._check_parent(step)
        with self._store.writing() as con:
            self._check_open(con)
            mark(con, step.id, bool(flag(accepted, "accepted")))

    def end(self, why: Why | None = None, note: str = "") -> None:
        """Say how the session ended; nothing can be added to it afterwards.

        Parameters
        ----------
        why : {"target", "budget", "failure", "unknown"}, optional
            `target`: it was done. `budget`: it was cut off, by a limit or because going on does not pay. `failure`: it
            broke. Default: as the rule said, where it said stop last, else unknown.
        note : str, optional

        Raises
        ------
        SettingsError
            Another word, or it has ended already.
        """
        if why is None:
            advised = None if self._followed is None else self._followed.ended
            why, note = advised or "unknown", note or ("on the advice of the rule" if advised else "")
        if why not in ENDED:
            raise SettingsError(f"`why` must be one of {', '.join(ENDED)}. Got {why!r}.")
        said = Cleaner().text(field_text(note))[:LONGEST_NOTE] if note else None
        with self._store.writing() as con:
            self._check_open(con)
            con.execute(
                "UPDATE sessions SET ended = ?, ended_at = ?, note = ? WHERE id = ?", (why, time.time(), said, self._id)
            )
            seal(con, "sessions", self._id)
        self._store.close()

    @property
    def ended(self) -> str | None:
        """How it ended, None while it has not."""
        with self._store.reading() as con:
            found = con.execute("SELECT ended FROM sessions WHERE id = ?", (self._id,)).fetchone()[0]
        return None if found is None else str(found)

    # ------------------------------------------------------------------ advice

    def stops(self) -> bool:
        """Return whether the rule says stop after the steps recorded so far; without a rule it never does."""
        return self._followed is not None and self.advise().kind == "stop"

    def advise(self) -> Action:
        """Return what the rule says after the steps recorded so far: stop or go on, and why.

        The rule sees one score a step: that of the best candidate, as when it was tuned. It is asked again from the
        record, so that a session that goes on after a crash is advised as if it had not been interrupted.

        Raises
        ------
        SettingsError
            The session has no rule, no step yet, or steps without the rule's objectives.
        """
        if self._followed is None:
            raise SettingsError('this session has no rule: Session(..., rule="rule.json") gives it one.')
        with self._advice:
            with self._store.reading() as con:
                new = con.execute(
                    "SELECT step, accepted, scores, fields FROM steps WHERE session = ? AND step > ? ORDER BY step, id",
                    (self._id, self._followed.last),
                ).fetchall()
            return self._followed.told(new)

    # ------------------------------------------------------------------ as a block

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was not ended: by an exception a failure, on the rule's advice as it said, else unknown."""
        del trace
        try:
            if self.ended is None:
                if kind is not None:
                    self.end("failure", f"{kind.__name__}: {error}")
                else:
                    self.end()
        except Exception as second:
            if error is None:
                raise
            error.add_note(f"The record of the session could not be ended: {second}")
        finally:
            self._store.close()

    def close(self) -> None:
        """Let go of the file without ending the session: another process may go on with it by its name."""
        self._store.close()

    def __repr__(self) -> str:
        return f"Session({self._store.path!r}, name={self.name!r})"

    # ------------------------------------------------------------------ parts

    def _check_open(self, con: sqlite3.Connection) -> None:
        row = con.execute("SELECT ended FROM sessions WHERE id = ?", (self._id,)).fetchone()
        if row is None:
            raise SettingsError(f"session {self.name!r} is not in {self._store.path} any more: was it replaced?")
        _refuse_ended(self.name, row[0])

    def _check_parent(self, parent: Step | _Unsaid | None) -> None:
        if parent is None or isinstance(parent, _Unsaid):
            return
        if not isinstance(parent, Step):
            raise SettingsError(f"`parent` must be what `step` returned, or None. Got {type(parent).__name__}.")
        if parent.session != self.name:
            raise SettingsError(f"a step of session {parent.session!r} cannot be a parent in session {self.name!r}.")


def _refuse_ended(name: str, ended: str | None) -> None:
    if ended is not None:
        raise SettingsError(f"session {name!r} has ended ({ended}): nothing can be added. Begin another one.")


def _made_up() -> str:
    return time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime()) + f"-{secrets.token_hex(4)}"
